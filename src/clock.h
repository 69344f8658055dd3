/* The monotonic clock. */
#ifndef SEA_CLOCK_H
#define SEA_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Milliseconds, cheap and coarse. Read once per loop pass and kept in the loop. */
static inline uint64_t
sea__clock_ms(void)
{
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
  return (uint64_t)ts.tv_sec * 1000U + (uint64_t)ts.tv_nsec / 1000000U;
}

/* Microseconds, for short times. */
static inline uint64_t
sea__clock_us(void)
{
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (uint64_t)ts.tv_sec * 1000000U + (uint64_t)ts.tv_nsec / 1000U;
}

#endif
