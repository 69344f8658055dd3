/* Latencies, one by one. They are not summed up here: whoever started the generator gets them all
 * when the run is over, and puts them into an HdrHistogram. Keeping one is a store, so it costs the
 * same whatever its size, and next to nothing. */
#ifndef SEA_LOAD_SAMPLES_H
#define SEA_LOAD_SAMPLES_H

#include <stdint.h>

#define SEA_SAMPLE_NS 10u

typedef struct {
  uint32_t *values; /* in SEA_SAMPLE_NS; what is too long for that counts as the longest */
  uint64_t count;
  uint64_t sum_ns;
  uint64_t max_ns;
} sea_samples_t;

/* Returns 0 or -ENOMEM. Memory is used only as samples come. */
int sea__samples_init(sea_samples_t *samples);
void sea__samples_reset(sea_samples_t *samples);

/* Returns 0, or -ENOSPC when there are more than anybody wants to wait for. */
int sea__samples_record(sea_samples_t *samples, uint64_t ns);

/* Writes all of them, in native byte order. Returns 0 or a negative errno. */
int sea__samples_write(const sea_samples_t *samples, int fd);

#endif
