#include "samples.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#define SAMPLES_MAX (UINT64_C(1) << 28)

int
sea__samples_init(sea_samples_t *samples)
{
  void *memory = mmap(NULL, SAMPLES_MAX * sizeof(uint32_t), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return -ENOMEM;
  *samples = (sea_samples_t){.values = memory};
  return 0;
}

void
sea__samples_reset(sea_samples_t *samples)
{
  samples->count = 0;
  samples->sum_ns = 0;
  samples->max_ns = 0;
}

int
sea__samples_record(sea_samples_t *samples, uint64_t ns)
{
  const uint64_t value = ns / SEA_SAMPLE_NS;
  if (samples->count == SAMPLES_MAX) return -ENOSPC;
  samples->values[samples->count++] = value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
  samples->sum_ns += ns;
  if (ns > samples->max_ns) samples->max_ns = ns;
  return 0;
}

int
sea__samples_write(const sea_samples_t *samples, int fd)
{
  const uint8_t *bytes = (const uint8_t *)samples->values;
  size_t left = samples->count * sizeof(*samples->values);
  while (left > 0) {
    const ssize_t n = write(fd, bytes, left);
    if (n < 0 && errno != EINTR) return -errno;
    if (n < 0) continue;
    bytes += n;
    left -= (size_t)n;
  }
  return 0;
}
