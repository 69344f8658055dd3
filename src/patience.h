/* Waiting for locked memory. Some kernels (seen on 6.18) count rings and buffer rings against
 * RLIMIT_MEMLOCK and take them off some 20 ms after their end: what is refused now may be had a
 * moment later, and so may what zero-copy sends and registered buffers lock. For the set-up of
 * rings and for probes only; it blocks. */
#ifndef SEA_PATIENCE_H
#define SEA_PATIENCE_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define SEA_PATIENCE 25U /* times; on a busy machine it takes the kernel longer */
#define SEA_PATIENCE_NS 10000000

/* Whether to try once more what has failed with `error`. Counts *left down, and waits. */
static inline bool
sea__try_again(int error, uint32_t *left)
{
  if (error != -ENOMEM || *left == 0) {
    return false;
  }
  --*left;
  struct timespec pause = {.tv_nsec = SEA_PATIENCE_NS};
  nanosleep(&pause, NULL);
  return true;
}

#endif
