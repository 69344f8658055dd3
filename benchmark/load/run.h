/* One measurement: its phases, its clock, its counters and its report.
 *
 * warm-up -> measure -> drain -> done. Only the measured phase counts; in the drain phase nothing
 * new is started and every outstanding reply must still arrive. */
#ifndef SEA_LOAD_RUN_H
#define SEA_LOAD_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"
#include "samples.h"

typedef enum {
  SEA_RUN_WARMUP,
  SEA_RUN_MEASURE,
  SEA_RUN_DRAIN,
  SEA_RUN_DONE,
} sea_run_phase_t;

typedef struct {
  const sea_load_options_t *options;
  sea_run_phase_t phase;
  uint64_t now_ns;      /* read once per turn of the loop */
  uint64_t deadline_ns; /* end of the present phase */
  uint64_t measure_start_ns;
  uint64_t measured_ns;
  uint64_t cpu_start_ns;
  uint64_t cpu_ns; /* own CPU time within the measured phase */
  uint64_t turns;  /* within the measured phase */
  uint64_t messages;
  uint64_t bytes; /* payload received */
  uint64_t errors;
  sea_samples_t latency;
} sea_run_t;

uint64_t sea__clock_ns(void);

/* Tells whoever watches (stderr, one JSON line) that a phase was reached. */
void sea__run_announce(const sea_run_t *run, const char *event);

/* Counts an error and describes the first few; too many end the run. */
void sea__run_error(sea_run_t *run, const char *what, int error);

/* Returns 0 or -ENOMEM. */
int sea__run_init(sea_run_t *run, const sea_load_options_t *options);

void sea__run_start(sea_run_t *run);

/* Reads the clock and enters the next phase when its time has come. */
void sea__run_tick(sea_run_t *run);

/* One message (or one whole connection, in churn mode) that began at start_ns is complete. */
void sea__run_complete(sea_run_t *run, uint64_t start_ns);

/* Messages are complete whose latency is not of interest. */
void sea__run_count(sea_run_t *run, uint64_t messages);

/* Payload bytes have come. */
void sea__run_received(sea_run_t *run, uint64_t bytes);

/* New messages are started only while this holds. */
static inline bool
sea__run_is_sending(const sea_run_t *run)
{
  return run->phase <= SEA_RUN_MEASURE;
}

/* The result, one JSON line on stdout, and the latencies to whom they are wanted by. */
void sea__run_report(sea_run_t *run);

#endif
