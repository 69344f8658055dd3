/* A log-linear latency histogram: 64 steps per power of two, so a value is kept to better than
 * 1.6 % whatever its size, in a table of fixed length and without allocation. */
#ifndef SEA_LOAD_HISTOGRAM_H
#define SEA_LOAD_HISTOGRAM_H

#include <stdint.h>

#define SEA_HISTOGRAM_STEP_BITS 6
#define SEA_HISTOGRAM_STEPS (1u << SEA_HISTOGRAM_STEP_BITS)
/* Values below 2 * STEPS have a bucket each; every further power of two has STEPS buckets. */
#define SEA_HISTOGRAM_BUCKETS ((64u - SEA_HISTOGRAM_STEP_BITS + 1u) * SEA_HISTOGRAM_STEPS)

typedef struct {
  uint64_t total;
  uint64_t max;
  uint64_t counts[SEA_HISTOGRAM_BUCKETS];
} sea_histogram_t;

void sea__histogram_reset(sea_histogram_t *histogram);
void sea__histogram_record(sea_histogram_t *histogram, uint64_t value);

/* The upper edge of the bucket that holds the given share (0 < share <= 1) of all values, never
 * above the largest value recorded; 0 when nothing was recorded. */
uint64_t sea__histogram_at(const sea_histogram_t *histogram, double share);

#endif
