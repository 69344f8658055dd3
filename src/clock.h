/* Milliseconds of the monotonic clock. Read once per loop pass and kept in the loop. */
#ifndef SEA_CLOCK_H
#define SEA_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t
sea__clock_ms(void)
{
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
  return (uint64_t)ts.tv_sec * 1000U + (uint64_t)ts.tv_nsec / 1000000U;
}

#endif
