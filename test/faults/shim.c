/* The plan, and what comes of it. */
#include "shim.h"

#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim_books.h"

static struct {
  fault_plan_t plan;
  bool armed;
  uint64_t random;
  uint32_t reached[FAULT_POINTS];
  uint32_t fired[FAULT_POINTS];
  int64_t allocations; /* that were not freed */
  int64_t mapped;      /* bytes */
  int descriptors;
} shim;

void
fault_fail(const char *what)
{
  fprintf(stderr, "seed %u: %s\n", shim.plan.seed, what);
  fflush(stderr);
  abort();
}

static int
descriptors(void)
{
  int count = 0;
  DIR *folder = opendir("/proc/self/fd");
  if (folder == NULL) {
    fault_fail("/proc/self/fd cannot be read");
  }
  while (readdir(folder) != NULL) {
    count++;
  }
  closedir(folder);
  return count;
}

void
fault_begin(const fault_plan_t *plan)
{
  memset(&shim, 0, sizeof shim);
  shim.plan = *plan;
  shim.random = plan->seed;
  shim.descriptors = descriptors();
}

void
fault_arm(bool on)
{
  shim.armed = on;
}

void
fault_change(const fault_plan_t *plan)
{
  shim.plan = *plan;
}

void
fault_end(void)
{
  fault_ring_end();
  if (shim.allocations != 0 || shim.mapped != 0) {
    fault_fail("memory was not given back");
  }
  if (descriptors() != shim.descriptors) {
    fault_fail("a descriptor was not closed");
  }
}

void
fault_note_memory(int allocations)
{
  shim.allocations += allocations;
}

void
fault_note_mapping(int64_t bytes)
{
  shim.mapped += bytes;
}

/* splitmix64: also good from seeds that follow each other */
uint32_t
fault_random(void)
{
  uint64_t x = shim.random += 0x9E3779B97F4A7C15U;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  return (uint32_t)((x ^ (x >> 31)) >> 32);
}

bool
fault_here(fault_point_t point)
{
  if (!shim.armed) {
    return false;
  }
  bool nth = ++shim.reached[point] == shim.plan.nth && point == shim.plan.nth_point;
  if (!nth &&
      (shim.plan.per_mille[point] == 0 || fault_random() % 1000 >= shim.plan.per_mille[point])) {
    return false;
  }
  shim.fired[point]++;
  return true;
}

uint32_t
fault_reached(fault_point_t point)
{
  return shim.reached[point];
}

uint32_t
fault_fired(fault_point_t point)
{
  return shim.fired[point];
}

const fault_plan_t *
fault_plan(void)
{
  return &shim.plan;
}
