/* A coarse wheel for idle deadlines. Worker-only.
 *
 * Traffic does not touch the wheel: it only stamps the connection. When an entry's bucket comes up,
 * the owner looks at the stamp and puts the entry in again if its time has not come. A deadline is
 * met up to one tick late, never early. */
#ifndef SEA_TIMER_H
#define SEA_TIMER_H

#include <stdint.h>

#include "list.h"

#define SEA_TIMER_BUCKETS 64

typedef struct sea_timer {
  sea_list_t buckets[SEA_TIMER_BUCKETS];
  uint64_t now; /* ticks */
  uint32_t tick_ms;
  uint32_t entries;
} sea_timer_t;

/* span_ms: the longest deadline that will be asked for. */
void sea__timer_init(sea_timer_t *timer, uint32_t span_ms, uint64_t now_ms);
void sea__timer_add(sea_timer_t *timer, sea_list_t *entry, uint64_t deadline_ms);
void sea__timer_remove(sea_timer_t *timer, sea_list_t *entry);

/* Moves the entries whose bucket has come up to the head `due`. */
void sea__timer_advance(sea_timer_t *timer, uint64_t now_ms, sea_list_t *due);

/* Milliseconds until the next tick, or -1 when there is nothing to wait for. */
int64_t sea__timer_wait_ms(const sea_timer_t *timer, uint64_t now_ms);

#endif
