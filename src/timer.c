#include "timer.h"

#define TICK_MS_MIN 5

void
sea__timer_init(sea_timer_t *timer, uint32_t span_ms, uint64_t now_ms)
{
  /* The whole span fits in the wheel once around, with room for the tick that is under way. */
  timer->tick_ms = span_ms / (SEA_TIMER_BUCKETS - 2) + 1;
  if (timer->tick_ms < TICK_MS_MIN) {
    timer->tick_ms = TICK_MS_MIN;
  }
  timer->now = now_ms / timer->tick_ms;
  timer->entries = 0;
  for (uint32_t i = 0; i < SEA_TIMER_BUCKETS; i++) {
    sea__list_init(&timer->buckets[i]);
  }
}

void
sea__timer_add(sea_timer_t *timer, sea_list_t *entry, uint64_t deadline_ms)
{
  /* The tick after the one the deadline lies in: late rather than early. */
  uint64_t tick = deadline_ms / timer->tick_ms + 1;
  if (tick <= timer->now) {
    tick = timer->now + 1;
  }
  if (tick >= timer->now + SEA_TIMER_BUCKETS) {
    tick = timer->now + SEA_TIMER_BUCKETS - 1;
  }
  sea__list_append(&timer->buckets[tick % SEA_TIMER_BUCKETS], entry);
  timer->entries++;
}

void
sea__timer_remove(sea_timer_t *timer, sea_list_t *entry)
{
  if (!sea__list_empty(entry)) {
    sea__list_remove(entry);
    timer->entries--;
  }
}

void
sea__timer_advance(sea_timer_t *timer, uint64_t now_ms, sea_list_t *due)
{
  sea__list_init(due);
  uint64_t target = now_ms / timer->tick_ms;
  /* After a long stall every bucket is due, each once. */
  if (target > timer->now + SEA_TIMER_BUCKETS) {
    timer->now = target - SEA_TIMER_BUCKETS;
  }
  while (timer->now < target) {
    sea_list_t *bucket = &timer->buckets[++timer->now % SEA_TIMER_BUCKETS];
    while (!sea__list_empty(bucket)) {
      sea__list_append(due, sea__list_shift(bucket));
      timer->entries--;
    }
  }
}

int64_t
sea__timer_wait_ms(const sea_timer_t *timer, uint64_t now_ms)
{
  if (timer->entries == 0) {
    return -1;
  }
  uint64_t next_ms = (timer->now + 1) * timer->tick_ms;
  return next_ms > now_ms ? (int64_t)(next_ms - now_ms) : 0;
}
