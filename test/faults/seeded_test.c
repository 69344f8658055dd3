/* The integrity test with faults, over and over. SEARINGS_FAULT_RUNS says how many runs, and
 * SEARINGS_FAULT_SEED which is the first; a failure names its seed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "play.h"

#define RUNS 400U

static uint32_t
from_environment(const char *name, uint32_t otherwise)
{
  const char *text = getenv(name);
  return text == NULL ? otherwise : (uint32_t)strtoul(text, NULL, 10);
}

static uint32_t
one_of_three(uint32_t a, uint32_t b, uint32_t c)
{
  uint32_t which = fault_random() % 3;
  return which == 0 ? a : which == 1 ? b : c;
}

static bool
now_and_then(uint32_t one_in)
{
  return fault_random() % one_in == 0;
}

static sea_options_t
any_options(void)
{
  sea_options_t options = default_options();
  options.driver = now_and_then(3) ? SEA_DRIVER_INLINE : SEA_DRIVER_WORKER;
  options.queue_depth = one_of_three(8, 16, 256);
  options.buffer_count = one_of_three(1, 4, 256);
  options.buffer_size = one_of_three(64, 1024, 16384);
  options.event_capacity = one_of_three(16, 64, 4096);
  options.command_capacity = one_of_three(16, 64, 4096);
  options.send_queue_max = one_of_three(1, 8, 1024);
  options.recv_bundles = now_and_then(4);
  options.incremental_buffers = now_and_then(4);
  options.zero_copy_send = now_and_then(4);
  options.send_buffers = now_and_then(4);
  options.zero_copy_min = one_of_three(1, 512, 32768);
  options.send_buffer_count = one_of_three(1, 4, 64);
  options.send_buffer_size = one_of_three(4096, 8192, 65536);
  options.watch_resets = options.watch_resets || now_and_then(2);
  options.zcrx = now_and_then(8); /* which loopback does not have: the ring is made twice */
  strcpy(options.zcrx_interface, "lo");
  return options;
}

/* Some of the faults, each more or less often: all of them always would hide what few of them do.
 */
static fault_plan_t
any_plan(uint32_t seed)
{
  fault_plan_t plan = {.seed = seed};
  fault_begin(&plan);
  plan.lethal = now_and_then(3);
  for (uint32_t point = 0; point < FAULT_POINTS; point++) {
    plan.per_mille[point] = now_and_then(2) ? (uint16_t)one_of_three(2, 20, 200) : 0;
  }
  return plan;
}

/* The start is to succeed: memory_test.c is about those that do not. */
static fault_plan_t
without_calls(fault_plan_t plan)
{
  plan.per_mille[FAULT_MEMORY] = plan.per_mille[FAULT_CALL] = 0;
  return plan;
}

static void
check_totals(const play_t *play)
{
  if (play->mode == PLAY_HTTP || play->mode == PLAY_FACADE) {
    web_check(play->host, &play->peers);
    return;
  }
  sea_info_t info = host_info(play->host);
  uint64_t bytes = 0;
  uint64_t accepted = 0;
  for (uint32_t i = 0; i < play->peers.n; i++) {
    bytes += play->peers.list[i].bytes;
    accepted++;
  }
  assert_int_equal(info.connections_accepted, accepted);
  assert_int_equal(info.bytes_received, bytes);
  assert_int_equal(info.bytes_sent, bytes);
}

static void
run(uint32_t seed)
{
  fault_plan_t plan = any_plan(seed);
  play_t play = {.mode = (play_mode_t)(fault_random() % PLAY_MODES)};
  sea_options_t options = any_options();
  bool some_leave = now_and_then(3);
  play.pauses = now_and_then(3);
  play.cuts = plan.lethal && now_and_then(3);
  play.peers.n = 1 + fault_random() % 12;
  play.peers.write_max = now_and_then(16) ? 65536 : one_of_three(64, 1024, 8192);
  play.peers.cut = plan.lethal;
  play_options(&play, &options, plan.lethal && now_and_then(4) ? 500 : 0);
  plan.recvs_in_order = options.incremental_buffers;

  fault_plan_t start = without_calls(plan);
  fault_begin(&start);
  fault_arm(true);
  play.host = host_start(&options);
  fault_change(plan.lethal ? &plan : &start);
  play_begin(&play);
  peers_begin(&play.peers, play.host->port, some_leave);
  bool early = plan.lethal && now_and_then(4);
  for (uint32_t turns = early ? fault_random() % 500 : UINT32_MAX;
       turns > 0 && !peers_done(&play.peers); turns--) {
    play_turn(&play);
  }
  peers_end(&play.peers);
  if (!plan.lethal && !some_leave) {
    check_totals(&play);
  }
  if (early && now_and_then(2)) {
    host_destroy(play.host);
  } else if (options.echo) {
    host_stop_quiet(play.host);
  } else {
    host_stop(play.host);
  }
  fault_arm(false);
  fault_end();
}

static uint32_t running; /* the seed */

/* An assertion of the host's ends a run too, and says nothing of seeds. */
static int
name_the_seed(void **state)
{
  (void)state;
  if (running != 0) {
    fprintf(stderr, "the run that failed: SEARINGS_FAULT_SEED=%u SEARINGS_FAULT_RUNS=1\n", running);
  }
  return 0;
}

static void
no_fault_loses_a_byte_or_leaves_anything(void **state)
{
  (void)state;
  uint32_t first = from_environment("SEARINGS_FAULT_SEED", 1);
  uint32_t runs = from_environment("SEARINGS_FAULT_RUNS", RUNS);
  for (running = first; running < first + runs; running++) {
    run(running);
  }
  running = 0;
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(no_fault_loses_a_byte_or_leaves_anything, name_the_seed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
