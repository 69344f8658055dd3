#include "support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

uint64_t
monotonic_ms(void)
{
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (uint64_t)ts.tv_sec * 1000U + (uint64_t)ts.tv_nsec / 1000000U;
}

uint32_t
deadline_ms(void)
{
  const char *scale = getenv("SEARINGS_TEST_TIME_SCALE");
  unsigned long times = scale == NULL ? 1 : strtoul(scale, NULL, 10);
  return times < 3 ? 90000 : (uint32_t)times * 30000;
}

void
nap(void)
{
  inline_nap();
  nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static bool
is_of_a_server(const char *thread)
{
  char path[300];
  char name[16] = "";
  snprintf(path, sizeof path, "/proc/self/task/%s/comm", thread);
  FILE *file = fopen(path, "re");
  if (file == NULL) {
    return false; /* it ended meanwhile */
  }
  (void)fread(name, 1, sizeof name - 1, file);
  fclose(file);
  return strncmp(name, "searings", 8) == 0 || strncmp(name, "iou-", 4) == 0;
}

int
server_threads(void)
{
  int count = 0;
  DIR *folder = opendir("/proc/self/task");
  assert_non_null(folder);
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
    count += entry->d_name[0] != '.' && is_of_a_server(entry->d_name);
  }
  closedir(folder);
  return count;
}

bool
kernel_is(int major, int minor)
{
  struct utsname name;
  int is_major = 0;
  int is_minor = 0;
  uname(&name);
  assert_int_equal(sscanf(name.release, "%d.%d", &is_major, &is_minor), 2);
  return is_major > major || (is_major == major && is_minor >= minor);
}

void
assert_since(int error, int major, int minor)
{
  if (kernel_is(major, minor)) {
    assert_int_equal(error, 0);
  }
  assert_true(error <= 0);
}

uint32_t
next_random(uint32_t *state)
{
  uint32_t x = *state;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return *state = x;
}

/* Multiplied by an odd constant, so that neither a shift nor a swap of blocks goes unnoticed. */
static unsigned char
pattern_byte(uint32_t seed, uint64_t offset)
{
  return (unsigned char)(((offset + 1) * 0x9E3779B97F4A7C15U + seed * 0xC2B2AE3D27D4EB4FU) >> 56);
}

void
pattern_fill(void *bytes, size_t len, uint32_t seed, uint64_t offset)
{
  unsigned char *out = bytes;
  for (size_t i = 0; i < len; i++) {
    out[i] = pattern_byte(seed, offset + i);
  }
}

bool
pattern_matches(const void *bytes, size_t len, uint32_t seed, uint64_t offset)
{
  const unsigned char *in = bytes;
  for (size_t i = 0; i < len; i++) {
    if (in[i] != pattern_byte(seed, offset + i)) {
      return false;
    }
  }
  return true;
}
