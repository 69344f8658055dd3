/* The event ring: worker -> host, single producer, single consumer, bounded, lock-free.
 *
 *      reclaimed          head               tail (published)      next (worker only)
 *   ------|-- consumed ------|---- pending ------|---- unpublished ----|---- free ----
 *
 * A consumed event still lies in the ring until the worker has *reclaimed* it: that is how receive
 * buffers and slots come back without a message of their own. The worker walks from `reclaimed` to
 * `head` and recycles what each event referred to. Indices run freely and are masked on use. */
#ifndef SEA_EVENTS_H
#define SEA_EVENTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base.h"
#include "sea.h"

typedef struct sea_events {
  sea_event_t *ring;
  uint32_t mask;

  _Alignas(SEA_CACHE_LINE) _Atomic uint32_t tail; /* written by the worker */
  uint32_t next;
  uint32_t reclaimed;

  _Alignas(SEA_CACHE_LINE) _Atomic uint32_t head; /* written by the host */
} sea_events_t;

int sea__events_init(sea_events_t *events, uint32_t capacity);
void sea__events_deinit(sea_events_t *events);

/* -- worker -- */

/* How many events fit before something has to be reclaimed. */
static inline uint32_t
sea__events_room(const sea_events_t *events)
{
  uint32_t used = events->next - events->reclaimed;
  return used > events->mask ? 0 : events->mask + 1 - used;
}

/* The next free record; there must be room. Not visible to the host before publish. */
static inline sea_event_t *
sea__events_push(sea_events_t *events)
{
  return &events->ring[events->next++ & events->mask];
}

/* The one that was pushed last, while it is unpublished. */
static inline sea_event_t *
sea__events_last(sea_events_t *events)
{
  return &events->ring[(events->next - 1) & events->mask];
}

static inline bool
sea__events_unpublished(const sea_events_t *events)
{
  return atomic_load_explicit(&events->tail, memory_order_relaxed) != events->next;
}

static inline void
sea__events_publish(sea_events_t *events)
{
  atomic_store_explicit(&events->tail, events->next, memory_order_release);
}

static inline bool
sea__events_reclaimable(const sea_events_t *events)
{
  return atomic_load_explicit(&events->head, memory_order_acquire) != events->reclaimed;
}

/* The oldest consumed event that was not reclaimed yet, or NULL. */
static inline const sea_event_t *
sea__events_reclaim(sea_events_t *events)
{
  if (!sea__events_reclaimable(events)) {
    return NULL;
  }
  return &events->ring[events->reclaimed++ & events->mask];
}

/* -- host -- */

static inline uint32_t
sea__events_pending(const sea_events_t *events)
{
  return atomic_load_explicit(&events->tail, memory_order_acquire) -
         atomic_load_explicit(&events->head, memory_order_relaxed);
}

static inline const sea_event_t *
sea__events_at(const sea_events_t *events, uint32_t i)
{
  uint32_t head = atomic_load_explicit(&events->head, memory_order_relaxed);
  return &events->ring[(head + i) & events->mask];
}

static inline void
sea__events_consume(sea_events_t *events, uint32_t n)
{
  uint32_t head = atomic_load_explicit(&events->head, memory_order_relaxed);
  atomic_store_explicit(&events->head, head + n, memory_order_release);
}

#endif
