#include "bufring.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#define WANTED_FIRST 16U

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

static void
give(sea_bufring_t *buffers, uint16_t id)
{
  io_uring_buf_ring_add(buffers->ring, sea__bufring_data(buffers, id), buffers->size, id,
                        io_uring_buf_ring_mask(buffers->count), (int)buffers->added);
  buffers->added++;
  buffers->provided++;
}

static void
top_up(sea_bufring_t *buffers)
{
  while (buffers->provided < buffers->wanted && buffers->spare_count > 0) {
    give(buffers, buffers->spare[--buffers->spare_count]);
  }
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
  buffers->wanted = sea__min_u32(count, WANTED_FIRST);
  buffers->base = map((size_t)count * size);
  buffers->spare = calloc(count, sizeof *buffers->spare);
  if (buffers->base == NULL || buffers->spare == NULL) {
    sea__bufring_unregister(ring);
    sea__bufring_deinit(buffers);
    return -ENOMEM;
  }
  io_uring_buf_ring_init(buffers->ring);
  for (uint32_t id = count; id > 0; id--) {
    buffers->spare[buffers->spare_count++] = (uint16_t)(id - 1);
  }
  top_up(buffers);
  sea__bufring_publish(buffers);
  return 0;
}

void
sea__bufring_unregister(sea_ring_t *ring)
{
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
  free(buffers->spare);
  *buffers = (sea_bufring_t){0};
}

void
sea__bufring_recycle(sea_bufring_t *buffers, uint16_t id)
{
  if (buffers->provided < buffers->wanted) {
    give(buffers, id);
  } else {
    buffers->spare[buffers->spare_count++] = id;
  }
}

bool
sea__bufring_grow(sea_bufring_t *buffers)
{
  if (buffers->spare_count == 0) {
    return false;
  }
  if (buffers->provided > 0) {
    return true; /* it has some again already, though not when it looked */
  }
  buffers->wanted = sea__min_u32(buffers->count, buffers->wanted * 2);
  top_up(buffers);
  return true;
}

void
sea__bufring_publish(sea_bufring_t *buffers)
{
  top_up(buffers);
  if (buffers->added > 0) {
    io_uring_buf_ring_advance(buffers->ring, (int)buffers->added);
    buffers->added = 0;
  }
}
