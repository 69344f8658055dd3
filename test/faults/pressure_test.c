/* Something runs out for a while. What is served then may be little, but nothing spins, and all is
 * well again by itself when the pressure is gone. */
#include <errno.h>

#include "play.h"

#define PRESSURE_MS 10000U /* on the worker's clock */
#define BACKOFF_MS 100U    /* of a listener that could not accept */

static play_t
begin(play_mode_t mode, sea_options_t options, uint32_t peers)
{
  play_t play = {.mode = mode, .peers = {.n = peers, .write_max = 8192}};
  fault_begin(&(fault_plan_t){.seed = 1});
  play_options(&play, &options, 0);
  play.host = host_start(&options);
  play_begin(&play);
  peers_begin(&play.peers, play.host->port, false);
  return play;
}

static void
press(const fault_plan_t *plan)
{
  fault_change(plan);
  fault_arm(true);
}

static void
finish(play_t *play)
{
  fault_arm(false);
  play_until(play, peers_done(&play->peers));
  if (play->mode == PLAY_ECHO) {
    host_stop_quiet(play->host);
  } else {
    host_drain(play->host);
    host_stop(play->host);
  }
  fault_end();
}

/* Accepting fails from the start, with the others waiting to be accepted. */
static void
accepts_fail_with(int error)
{
  sea_options_t options = default_options();
  play_t play = {.peers = {.n = 8, .write_max = 1024}};
  fault_plan_t plan = {.seed = 1, .accept_error = error};
  plan.per_mille[FAULT_ACCEPT] = 1000;
  fault_begin(&plan);
  fault_arm(true);
  play.host = host_start(&options);
  play_begin(&play);
  peers_begin(&play.peers, play.host->port, false);
  uint64_t until_ms = fault_clock_ms() + PRESSURE_MS;
  play_until(&play, fault_clock_ms() >= until_ms);
  sea_info_t info = host_info(play.host);
  assert_int_equal(info.connections_accepted, 0);
  assert_in_range(info.accept_backoffs, 2, PRESSURE_MS / BACKOFF_MS + 1);
  assert_in_range(info.passes, 2, 4 * PRESSURE_MS / BACKOFF_MS);
  assert_in_range(info.enters, 2, 4 * PRESSURE_MS / BACKOFF_MS);
  assert_in_range(fault_reached(FAULT_ACCEPT), 2, PRESSURE_MS / BACKOFF_MS + 1);
  finish(&play);
}

static void
accepting_waits_while_there_are_no_descriptors(void **state)
{
  (void)state;
  accepts_fail_with(EMFILE);
  accepts_fail_with(ENFILE);
}

static void
accepting_waits_while_there_is_no_memory(void **state)
{
  (void)state;
  accepts_fail_with(ENOMEM);
  accepts_fail_with(ENOBUFS);
}

/* One buffer for all, and every second receive says that there is none. */
static void
storms_of_enobufs_pass(void **state)
{
  (void)state;
  for (uint32_t mode = 0; mode < PLAY_MODES; mode++) {
    play_t play = begin((play_mode_t)mode, tiny_options(), 16);
    fault_plan_t plan = {.seed = 1, .recv_error = ENOBUFS};
    plan.per_mille[FAULT_RECV] = 500;
    press(&plan);
    play_until(&play, peers_done(&play.peers));
    assert_true(fault_fired(FAULT_RECV) > 100);
    finish(&play);
  }
}

static void
refuse_without_memory(play_mode_t mode)
{
  play_t play = begin(mode, default_options(), 8);
  play.peers.cut = true;
  fault_plan_t plan = {.seed = 1};
  plan.per_mille[FAULT_MEMORY] = 1000;
  press(&plan);
  play_until(&play, peers_done(&play.peers));
  assert_int_equal(host_info(play.host).connections_rejected, 8);
  assert_int_equal(host_info(play.host).connections_accepted, 0);
  play.peers.cut = false;
  peers_begin(&play.peers, play.host->port, false);
  finish(&play);
}

static void
without_memory_connections_are_refused_and_later_ones_served(void **state)
{
  (void)state;
  for (uint32_t mode = 0; mode < PLAY_MODES; mode++) {
    refuse_without_memory((play_mode_t)mode);
  }
}

/* Some of it fails, in the middle of things. Who is served then is served rightly, and when there
 * is memory again everybody is. */
static void
a_shortage_of_memory_costs_the_connections_of_its_time_only(void **state)
{
  (void)state;
  uint32_t fired = 0;
  for (uint32_t mode = 0; mode < PLAY_MODES; mode++) {
    play_t play = begin((play_mode_t)mode, tiny_options(), 16);
    fault_plan_t plan = {.seed = 1};
    plan.per_mille[FAULT_MEMORY] = 300;
    play.peers.cut = true;
    press(&plan);
    play_until(&play, peers_done(&play.peers));
    fired += fault_fired(FAULT_MEMORY);
    play.peers.cut = false;
    fault_arm(false);
    peers_begin(&play.peers, play.host->port, false);
    finish(&play);
  }
  assert_true(fired > 10);
}

/* Some are refused when they have a slot already. Afterwards nobody is there, and nothing is waited
 * for. */
static void
a_server_without_connections_sleeps_after_a_shortage_too(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  play_t play = {.mode = PLAY_HTTP, .peers = {.n = 8, .write_max = 512, .cut = true}};
  fault_begin(&(fault_plan_t){.seed = 1});
  play_options(&play, &options, 60000);
  play.host = host_start(&options);
  play_begin(&play);
  client_reset(client_connect(play.host->port)); /* the slots are there from then on */
  play_until(&play, play.host->closed == 1);
  peers_begin(&play.peers, play.host->port, false);
  fault_plan_t plan = {.seed = 1};
  plan.per_mille[FAULT_MEMORY] = 1000;
  press(&plan);
  play_until(&play, peers_done(&play.peers));
  fault_arm(false);
  play_until(&play, play.host->closed == play.host->opened);
  assert_true(play.host->opened > 1);
  uint64_t passes = host_info(play.host).passes;
  uint64_t until_ms = fault_clock_ms() + PRESSURE_MS;
  play_until(&play, fault_clock_ms() >= until_ms);
  assert_in_range(host_info(play.host).passes - passes, 0, 20);
  finish(&play);
}

/* More sends than the pool has nodes for, to a peer that does not read. */
static void
a_queue_without_memory_costs_its_own_connection_only(void **state)
{
  (void)state;
  play_t play = begin(PLAY_SEND, default_options(), 4);
  play.peers.cut = true;
  int greedy = client_connect(play.host->port);
  play_until(&play, play.host->opened > 0);
  host_conn_t *conn = &play.host->conns[0];
  fault_plan_t plan = {.seed = 1};
  plan.per_mille[FAULT_MEMORY] = 1000;
  press(&plan);
  for (uint32_t i = 0; i < 2000; i++) {
    host_send(play.host, conn, "x", 1);
  }
  sea_flush(play.host->server);
  play_until(&play, conn->closed);
  assert_int_equal(conn->reason, SEA_CLOSE_NO_MEMORY);
  assert_int_equal(play.host->closed, 1);
  client_reset(greedy);
  fault_arm(false);
  play.peers.cut = false;
  finish(&play);
}

static void
a_completion_queue_that_runs_over_loses_nothing(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  options.queue_depth = 8;
  options.buffer_size = 64;
  play_t play = begin(PLAY_SEND, options, 16);
  for (uint32_t i = 0; i < 16; i++) {
    play.peers.list[i].bytes = play.peers.list[i].wanted = 20000;
  }
  fault_plan_t plan = {.seed = 1};
  plan.per_mille[FAULT_BLIND] = 900;
  press(&plan);
  play_until(&play, peers_done(&play.peers));
  assert_true(host_info(play.host).cq_overflows > 0);
  finish(&play);
}

static void
a_ring_that_takes_nothing_for_a_while_goes_on(void **state)
{
  (void)state;
  play_t play = begin(PLAY_SEND, tiny_options(), 8);
  fault_plan_t plan = {.seed = 1};
  plan.per_mille[FAULT_SUBMIT] = 1000;
  press(&plan);
  for (uint32_t turns = 0; turns < 1000; turns++) {
    play_turn(&play);
  }
  assert_true(fault_fired(FAULT_SUBMIT) > 0);
  finish(&play);
}

/* The last completion of all is seen in a pass that has nothing to do after it. */
static void
late_completions_do_not_keep_a_server_from_ending(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  for (uint32_t seed = 1; seed <= 20; seed++) {
    fault_plan_t plan = {.seed = seed};
    plan.per_mille[FAULT_DELAY] = 1000;
    fault_begin(&plan);
    fault_arm(true);
    play_t play = {.host = host_start(&options), .peers = {.n = 4, .write_max = 512}};
    play_begin(&play);
    peers_begin(&play.peers, play.host->port, false);
    play_until(&play, play.host->opened > 0);
    peers_end(&play.peers);
    if (seed % 2 == 0) {
      host_stop(play.host);
    } else {
      host_destroy(play.host);
    }
    fault_arm(false);
    fault_end();
  }
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(accepting_waits_while_there_are_no_descriptors),
      cmocka_unit_test(accepting_waits_while_there_is_no_memory),
      cmocka_unit_test(storms_of_enobufs_pass),
      cmocka_unit_test(without_memory_connections_are_refused_and_later_ones_served),
      cmocka_unit_test(a_shortage_of_memory_costs_the_connections_of_its_time_only),
      cmocka_unit_test(a_server_without_connections_sleeps_after_a_shortage_too),
      cmocka_unit_test(a_queue_without_memory_costs_its_own_connection_only),
      cmocka_unit_test(a_completion_queue_that_runs_over_loses_nothing),
      cmocka_unit_test(late_completions_do_not_keep_a_server_from_ending),
      cmocka_unit_test(a_ring_that_takes_nothing_for_a_while_goes_on),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
