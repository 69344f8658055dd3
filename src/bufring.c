#include "bufring.h"

#include <errno.h>
#include <sys/mman.h>

static void *
map(size_t len)
{
  void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

static size_t
ring_bytes(uint32_t count)
{
  return count * sizeof(struct io_uring_buf);
}

static int
register_ring(sea_bufring_t *buffers, sea_ring_t *ring, uint32_t count)
{
  buffers->ring = map(ring_bytes(count));
  if (buffers->ring == NULL) {
    return -ENOMEM;
  }
  struct io_uring_buf_reg reg = {
      .ring_addr = (uint64_t)(uintptr_t)buffers->ring,
      .ring_entries = count,
      .bgid = SEA_BUFFER_GROUP,
  };
  int error = io_uring_register_buf_ring(&ring->uring, &reg, 0);
  if (error < 0) {
    munmap(buffers->ring, ring_bytes(count));
    buffers->ring = NULL;
  }
  return error;
}

int
sea__bufring_init(sea_bufring_t *buffers, sea_ring_t *ring, uint32_t count, uint32_t size)
{
  *buffers = (sea_bufring_t){.size = size};
  count = sea__pow2_ceil(count);
  int error = register_ring(buffers, ring, count);
  while (error == -ENOMEM && count > 1) {
    count /= 2;
    error = register_ring(buffers, ring, count);
  }
  if (error < 0) {
    return error;
  }
  buffers->count = count;
  buffers->base = map((size_t)count * size);
  if (buffers->base == NULL) {
    sea__bufring_unregister(buffers, ring);
    sea__bufring_deinit(buffers);
    return -ENOMEM;
  }
  io_uring_buf_ring_init(buffers->ring);
  for (uint32_t id = 0; id < count; id++) {
    sea__bufring_recycle(buffers, (uint16_t)id);
  }
  sea__bufring_publish(buffers);
  return 0;
}

void
sea__bufring_unregister(sea_bufring_t *buffers, sea_ring_t *ring)
{
  (void)buffers;
  io_uring_unregister_buf_ring(&ring->uring, SEA_BUFFER_GROUP);
}

void
sea__bufring_deinit(sea_bufring_t *buffers)
{
  if (buffers->base != NULL) {
    munmap(buffers->base, (size_t)buffers->count * buffers->size);
  }
  if (buffers->ring != NULL) {
    munmap(buffers->ring, ring_bytes(buffers->count));
  }
  *buffers = (sea_bufring_t){0};
}

void
sea__bufring_recycle(sea_bufring_t *buffers, uint16_t id)
{
  io_uring_buf_ring_add(buffers->ring, sea__bufring_data(buffers, id), buffers->size, id,
                        io_uring_buf_ring_mask(buffers->count), (int)buffers->added);
  buffers->added++;
  buffers->provided++;
}

void
sea__bufring_publish(sea_bufring_t *buffers)
{
  if (buffers->added > 0) {
    io_uring_buf_ring_advance(buffers->ring, (int)buffers->added);
    buffers->added = 0;
  }
}
