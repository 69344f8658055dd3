/* How the host thread wakes a sleeping worker: one eventfd write per sleep, none while it is awake.
 *
 * The worker announces what it is going to sleep for, then looks once more for work, then sleeps.
 * The host first publishes its work, then asks here. Both sides go through a read-modify-write of
 * one atomic, so one of them is first: either the worker's second look sees the work, or the host
 * sees the announcement and writes. */
#ifndef SEA_WAKE_H
#define SEA_WAKE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
  SEA_SLEEP_COMMANDS = 1 << 0, /* in io_uring_enter: commands should end it */
  SEA_SLEEP_SPACE = 1 << 1,    /* consumed events should end it */
  SEA_SLEEP_STALL = 1 << 2,    /* not in the ring: in a plain read of stall_fd */
};

typedef struct sea_wake {
  _Atomic uint32_t sleeping; /* SEA_SLEEP_* bits; 0 = awake */
  _Atomic uint64_t wakeups;  /* eventfd writes; written by the host thread only */
  int ring_fd;               /* eventfd the ring reads; inline, the one it writes, see inline.h */
  int stall_fd; /* eventfd for sleeping outside the ring: a second one, because the ring's pending
                   read would otherwise swallow the wake-up meant for a plain read */
} sea_wake_t;

int sea__wake_init(sea_wake_t *wake);
void sea__wake_deinit(sea_wake_t *wake);

/* Worker. After announcing, look for work again before sleeping. */
static inline void
sea__wake_announce(sea_wake_t *wake, uint32_t sleeping)
{
  atomic_exchange_explicit(&wake->sleeping, sleeping, memory_order_acq_rel);
}

/* Worker: awake again, for whatever reason. */
static inline void
sea__wake_clear(sea_wake_t *wake)
{
  atomic_exchange_explicit(&wake->sleeping, 0, memory_order_acq_rel);
}

/* Worker: sleeps outside the ring until roused. */
void sea__wake_stall(sea_wake_t *wake);

/* Host: at the moment. */
static inline bool
sea__wake_sleeps(const sea_wake_t *wake)
{
  return atomic_load_explicit(&wake->sleeping, memory_order_relaxed) != 0;
}

/* Host: wakes the worker if it sleeps for any of `reasons`. */
void sea__wake_rouse(sea_wake_t *wake, uint32_t reasons);

#endif
