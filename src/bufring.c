#include "bufring.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "compat.h"
#include "patience.h"

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
register_ring(sea_bufring_t *buffers, sea_ring_t *ring, uint32_t count, sea_filling_t filling)
{
  buffers->ring = map(ring_bytes(count));
  if (buffers->ring == NULL) {
    return -ENOMEM;
  }
  struct io_uring_buf_reg reg = {
      .ring_addr = (uint64_t)(uintptr_t)buffers->ring,
      .ring_entries = count,
      .bgid = SEA_BUFFER_GROUP,
      /* `flags` in newer headers; kernels that do not know it refuse it with -EINVAL */
      .pad = filling == SEA_FILL_INCREMENTAL ? SEA_IOU_PBUF_RING_INC : 0,
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
  if (buffers->next != NULL) {
    buffers->next[buffers->last_given] = id;
    buffers->last_given = id;
  }
  if (buffers->shares != NULL) {
    buffers->shares[id] = (sea_bufring_share_t){.holders = 1};
  }
}

static void
top_up(sea_bufring_t *buffers)
{
  while (buffers->provided < buffers->wanted && buffers->spare_count > 0) {
    give(buffers, buffers->spare[--buffers->spare_count]);
  }
}

/* Everything that is as long as the ring. */
static bool
allocate(sea_bufring_t *buffers, sea_filling_t filling)
{
  buffers->base = map((size_t)buffers->count * buffers->size);
  buffers->spare = calloc(buffers->count, sizeof *buffers->spare);
  if (filling == SEA_FILL_BUNDLES) {
    buffers->next = calloc(buffers->count, sizeof *buffers->next);
  } else if (filling == SEA_FILL_INCREMENTAL) {
    buffers->shares = calloc(buffers->count, sizeof *buffers->shares);
  }
  return buffers->base != NULL && buffers->spare != NULL &&
         (filling != SEA_FILL_BUNDLES || buffers->next != NULL) &&
         (filling != SEA_FILL_INCREMENTAL || buffers->shares != NULL);
}

int
sea__bufring_init(sea_bufring_t *buffers, sea_ring_t *ring, uint32_t count, uint32_t size,
                  sea_filling_t filling)
{
  *buffers = (sea_bufring_t){.size = size};
  if (filling == SEA_FILL_BUNDLES &&
      (ring->uring.features & SEA_IORING_FEAT_RECVSEND_BUNDLE) == 0) {
    return -EINVAL;
  }
  count = sea__pow2_ceil(count);
  uint32_t patience = SEA_PATIENCE;
  int error = register_ring(buffers, ring, count, filling);
  while (error == -ENOMEM && (count > 1 || patience > 0)) {
    if (!sea__try_again(error, &patience)) {
      count /= 2;
    }
    error = register_ring(buffers, ring, count, filling);
  }
  if (error < 0) {
    return error;
  }
  buffers->count = count;
  buffers->wanted = sea__min_u32(count, WANTED_FIRST);
  if (!allocate(buffers, filling)) {
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
  free(buffers->next);
  free(buffers->shares);
  *buffers = (sea_bufring_t){0};
}

uint32_t
sea__bufring_take(sea_bufring_t *buffers, uint16_t id, uint32_t len, bool more)
{
  uint32_t offset = 0;
  if (buffers->shares != NULL) {
    sea_bufring_share_t *share = &buffers->shares[id];
    offset = share->used;
    share->used += len;
    share->holders += more;
  }
  buffers->provided -= !more;
  return offset;
}

void
sea__bufring_recycle(sea_bufring_t *buffers, uint16_t id)
{
  if (buffers->shares != NULL && --buffers->shares[id].holders > 0) {
    return;
  }
  if (buffers->provided < buffers->wanted) {
    give(buffers, id);
  } else {
    buffers->spare[buffers->spare_count++] = id;
  }
}

bool
sea__bufring_grow(sea_bufring_t *buffers, bool urgent)
{
  if (buffers->spare_count == 0) {
    return false;
  }
  if (buffers->provided > 0 && !urgent) {
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
