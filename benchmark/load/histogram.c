#include "histogram.h"

#include <string.h>

static uint32_t
bucket_of(uint64_t value)
{
  if (value < SEA_HISTOGRAM_STEPS) return (uint32_t)value;
  uint32_t top_bit = 63u - (uint32_t)__builtin_clzll(value);
  uint32_t shift = top_bit - SEA_HISTOGRAM_STEP_BITS;
  uint32_t step = (uint32_t)(value >> shift) - SEA_HISTOGRAM_STEPS;
  return (shift + 1u) * SEA_HISTOGRAM_STEPS + step;
}

static uint64_t
upper_edge(uint32_t bucket)
{
  if (bucket < SEA_HISTOGRAM_STEPS) return bucket;
  uint32_t shift = bucket / SEA_HISTOGRAM_STEPS - 1u;
  uint64_t step = bucket % SEA_HISTOGRAM_STEPS + SEA_HISTOGRAM_STEPS;
  return (step << shift) + ((UINT64_C(1) << shift) - 1u);
}

void
sea__histogram_reset(sea_histogram_t *histogram)
{
  memset(histogram, 0, sizeof(*histogram));
}

void
sea__histogram_record(sea_histogram_t *histogram, uint64_t value)
{
  histogram->counts[bucket_of(value)]++;
  histogram->total++;
  if (value > histogram->max) histogram->max = value;
}

uint64_t
sea__histogram_at(const sea_histogram_t *histogram, double share)
{
  if (histogram->total == 0) return 0;
  uint64_t wanted = (uint64_t)((double)histogram->total * share + 0.5);
  if (wanted == 0) wanted = 1;

  uint64_t seen = 0;
  for (uint32_t bucket = 0; bucket < SEA_HISTOGRAM_BUCKETS; bucket++) {
    seen += histogram->counts[bucket];
    if (seen < wanted) continue;
    uint64_t edge = upper_edge(bucket);
    return edge < histogram->max ? edge : histogram->max;
  }
  return histogram->max;
}
