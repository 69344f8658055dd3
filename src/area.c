#include "area.h"

#include <errno.h>
#include <stdlib.h>

static bool
is_pow2(uint32_t n)
{
  return n != 0 && (n & (n - 1)) == 0;
}

static bool
is_valid(const sea_area_setup_t *setup)
{
  return is_pow2(setup->buffer_size) && is_pow2(setup->entry_count) && setup->size > 0 &&
         setup->size <= UINT32_MAX && setup->size % setup->buffer_size == 0;
}

int
sea__area_init(sea_area_t *area, const sea_area_setup_t *setup)
{
  *area = (sea_area_t){.setup = *setup};
  if (!is_valid(setup)) {
    return -EINVAL;
  }
  area->shift = (uint32_t)__builtin_ctz(setup->buffer_size);
  area->count = (uint32_t)(setup->size >> area->shift);
  area->buffers = calloc(area->count, sizeof *area->buffers);
  area->queue = calloc(area->count, sizeof *area->queue);
  if (area->buffers == NULL || area->queue == NULL) {
    sea__area_deinit(area);
    return -ENOMEM;
  }
  area->tail = atomic_load_explicit(setup->tail, memory_order_relaxed);
  return 0;
}

void
sea__area_deinit(sea_area_t *area)
{
  free(area->buffers);
  free(area->queue);
  *area = (sea_area_t){0};
}

bool
sea__area_take(sea_area_t *area, uint64_t where, uint32_t len, uint32_t *offset)
{
  uint64_t in_area = where & ((1ULL << SEA_AREA_OFFSET_BITS) - 1);
  uint64_t which = where >> SEA_AREA_OFFSET_BITS;
  if (which != area->setup.token >> SEA_AREA_OFFSET_BITS || in_area >= area->setup.size) {
    return false;
  }
  uint32_t in_buffer = (uint32_t)in_area & (area->setup.buffer_size - 1);
  if (len == 0 || len > area->setup.buffer_size - in_buffer) {
    return false;
  }
  *offset = (uint32_t)in_area;
  area->buffers[*offset >> area->shift].lent++;
  area->lent++;
  return true;
}

bool
sea__area_give(sea_area_t *area, uint32_t offset)
{
  uint32_t id = offset >> area->shift;
  if (id >= area->count || area->buffers[id].lent == 0) {
    return false;
  }
  sea_area_buffer_t *buffer = &area->buffers[id];
  buffer->lent--;
  area->lent--;
  if (buffer->due++ == 0) {
    /* There is room: a buffer is in the queue once. */
    uint32_t at = area->queue_head + area->queue_count++;
    area->queue[at >= area->count ? at - area->count : at] = id;
  }
  return true;
}

static void
refill(sea_area_t *area, uint32_t id)
{
  sea_uapi_refill_t *entry = &area->setup.entries[area->tail++ & (area->setup.entry_count - 1)];
  entry->offset = area->setup.token | (uint64_t)id << area->shift;
  entry->length = area->setup.buffer_size;
  entry->pad = 0;
  area->refills++;
}

void
sea__area_publish(sea_area_t *area)
{
  if (area->queue_count == 0) {
    return;
  }
  /* Acquire: the kernel has read the entries that are overwritten now. */
  uint32_t head = atomic_load_explicit(area->setup.head, memory_order_acquire);
  uint32_t room = area->setup.entry_count - (area->tail - head);
  if (room > area->setup.entry_count) {
    return; /* the kernel's head is ahead of our tail: nonsense, and no room for certain */
  }
  for (; room > 0 && area->queue_count > 0; room--) {
    uint32_t id = area->queue[area->queue_head];
    refill(area, id);
    if (--area->buffers[id].due == 0) {
      area->queue_head = area->queue_head + 1 == area->count ? 0 : area->queue_head + 1;
      area->queue_count--;
    }
  }
  /* Release: who sees this tail sees the entries before it. */
  atomic_store_explicit(area->setup.tail, area->tail, memory_order_release);
}
