#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)
#define DRAIN_NS (5 * NS_PER_S)
#define ERRORS_DESCRIBED 5
#define ERRORS_MAX 100

static uint64_t
read_clock(clockid_t id)
{
  struct timespec time;
  clock_gettime(id, &time);
  return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

uint64_t
sea__clock_ns(void)
{
  return read_clock(CLOCK_MONOTONIC);
}

void
sea__run_announce(const sea_run_t *run, const char *event)
{
  fprintf(stderr, "{\"event\":\"%s\",\"connections\":%" PRIu32 "}\n", event,
          run->options->connections);
}

void
sea__run_error(sea_run_t *run, const char *what, int error)
{
  run->errors++;
  if (run->errors <= ERRORS_DESCRIBED) {
    fprintf(stderr, "sea_load: %s%s%s\n", what, error ? ": " : "", error ? strerror(error) : "");
  }
  if (run->errors >= ERRORS_MAX) run->phase = SEA_RUN_DONE;
}

static void
start_measuring(sea_run_t *run)
{
  run->messages = 0;
  run->bytes = 0;
  run->turns = 0;
  sea__samples_reset(&run->latency);
  sea__run_announce(run, "measure");
  run->cpu_start_ns = read_clock(CLOCK_PROCESS_CPUTIME_ID);
  run->measure_start_ns = run->now_ns;
  run->deadline_ns = run->now_ns + run->options->run_ns;
  run->phase = SEA_RUN_MEASURE;
}

static void
stop_measuring(sea_run_t *run)
{
  run->measured_ns = run->now_ns - run->measure_start_ns;
  run->cpu_ns = read_clock(CLOCK_PROCESS_CPUTIME_ID) - run->cpu_start_ns;
  sea__run_announce(run, "measured");
  run->deadline_ns = run->now_ns + DRAIN_NS;
  run->phase = SEA_RUN_DRAIN;
}

int
sea__run_init(sea_run_t *run, const sea_load_options_t *options)
{
  *run = (sea_run_t){.options = options};
  return sea__samples_init(&run->latency);
}

void
sea__run_start(sea_run_t *run)
{
  run->now_ns = sea__clock_ns();
  run->deadline_ns = run->now_ns + run->options->warmup_ns;
}

void
sea__run_tick(sea_run_t *run)
{
  run->now_ns = sea__clock_ns();
  run->turns++;
  if (run->now_ns < run->deadline_ns) return;

  switch (run->phase) {
  case SEA_RUN_WARMUP:
    start_measuring(run);
    break;
  case SEA_RUN_MEASURE:
    stop_measuring(run);
    break;
  case SEA_RUN_DRAIN:
    sea__run_error(run, "replies are still missing at the end", 0);
    run->phase = SEA_RUN_DONE;
    break;
  case SEA_RUN_DONE:
    break;
  }
}

void
sea__run_count(sea_run_t *run, uint64_t messages)
{
  if (run->phase > SEA_RUN_MEASURE) return;
  const uint64_t wanted = run->options->messages;
  run->messages += messages;
  if (run->phase == SEA_RUN_MEASURE && wanted > 0 && run->messages >= wanted) {
    run->deadline_ns = run->now_ns;
  }
}

void
sea__run_complete(sea_run_t *run, uint64_t start_ns)
{
  if (run->phase > SEA_RUN_MEASURE) return;
  sea__run_count(run, 1);
  if (run->phase < SEA_RUN_MEASURE) return;
  if (sea__samples_record(&run->latency, run->now_ns - start_ns) < 0) {
    sea__run_error(run, "more messages than can be kept: measure for a shorter time", 0);
    run->phase = SEA_RUN_DONE;
  }
}

void
sea__run_received(sea_run_t *run, uint64_t bytes)
{
  if (run->phase <= SEA_RUN_MEASURE) run->bytes += bytes;
}

static double
mean_us(const sea_samples_t *latency)
{
  return latency->count ? (double)latency->sum_ns / (double)latency->count / 1e3 : 0;
}

void
sea__run_report(sea_run_t *run)
{
  const int fd = run->options->latencies_fd;
  const int rc = fd >= 0 ? sea__samples_write(&run->latency, fd) : 0;
  if (rc < 0) sea__run_error(run, "the latencies could not be written", -rc);

  double seconds = (double)run->measured_ns / 1e9;
  double rate = seconds > 0 ? (double)run->messages / seconds : 0;

  printf("{\"mode\":\"%s\",\"connections\":%" PRIu32 ",\"size\":%" PRIu32 ",\"pipeline\":%" PRIu32
         ",\"messages\":%" PRIu64 ",\"seconds\":%.6f,\"rate\":%.1f",
         sea__load_mode_name(run->options->mode), run->options->connections, run->options->size,
         run->options->pipeline, run->messages, seconds, rate);
  printf(",\"latencyUs\":{\"mean\":%.1f,\"max\":%.1f}", mean_us(&run->latency),
         (double)run->latency.max_ns / 1e3);
  printf(",\"bytes\":%" PRIu64 ",\"errors\":%" PRIu64 ",\"cpuSeconds\":%.6f,\"turns\":%" PRIu64
         "}\n",
         run->bytes, run->errors, (double)run->cpu_ns / 1e9, run->turns);
}
