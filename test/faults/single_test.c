/* One fault at a time: each thing that can fail fails once, the first time it is done, the second
 * time, and so on until it is not done so often. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "play.h"

#define TIMES_MAX 60U /* of one kind, in a run */
#define TIMES_MAX_HTTP 20U

static void
on_events(void *arg)
{
  (void)arg;
}

static sea_options_t
everything_on(void)
{
  sea_options_t options = default_options();
  options.queue_depth = 8;
  options.buffer_count = 4;
  options.recv_bundles = true;
  options.zero_copy_send = true;
  options.send_buffers = true;
  options.zero_copy_min = 1;
  options.on_events = on_events;
  web_options(&options, false, 0);
  return options;
}

static sea_listen_t
at_path(struct sockaddr_un **un)
{
  sea_listen_t spec = {.address_len = sizeof **un, .backlog = 8, .mode = 0666};
  *un = (struct sockaddr_un *)&spec.address;
  (*un)->sun_family = AF_UNIX;
  snprintf((*un)->sun_path, sizeof(*un)->sun_path, "/tmp/searings-faults-%d.sock", getpid());
  return spec;
}

/* From creation to end, without any connection. What fails says so, and leaves nothing. */
static int
live_shortly(void)
{
  static struct sockaddr_un copy;
  const char *syscall;
  struct sockaddr_un *un;
  sea_server_t *server;
  sea_options_t options = everything_on();
  sea_listen_t spec = at_path(&un);
  un = (struct sockaddr_un *)&spec.address;
  copy = *un;
  int error = sea_server_create(&options, &server);
  assert_true((error == 0) == (server != NULL));
  if (error == 0) {
    error = sea_server_listen(server, &spec, &syscall);
  }
  if (error == 0) {
    error = sea_server_start(server);
  }
  sea_server_destroy(server);
  assert_int_equal(access(copy.sun_path, F_OK), -1);
  return error;
}

static int
probe(void)
{
  sea_features_t features;
  const char *stage;
  int error = sea_probe(&features, &stage);
  assert_true((error == 0) == (stage == NULL));
  return error;
}

/* Does it again and again, with the next call failing each time. How often it failed as a whole. */
static uint32_t
fail_each(fault_point_t point, int (*life)(void))
{
  uint32_t failed = 0;
  fault_plan_t plan = {.nth_point = point};
  do {
    plan.nth++;
    plan.seed = plan.nth;
    fault_begin(&plan);
    fault_arm(true);
    int error = life();
    fault_arm(false);
    assert_true(error <= 0);
    failed += error < 0;
    fault_end();
  } while (fault_fired(point) > 0);
  fault_begin(&(fault_plan_t){0});
  assert_int_equal(life(), 0);
  fault_end();
  return failed;
}

static void
a_start_that_runs_out_of_memory_leaves_nothing(void **state)
{
  (void)state;
  assert_true(fail_each(FAULT_MEMORY, live_shortly) >= 6);
}

static void
a_start_whose_calls_fail_leaves_nothing(void **state)
{
  (void)state;
  assert_true(fail_each(FAULT_CALL, live_shortly) >= 6);
}

static void
a_start_whose_ring_refuses_goes_on(void **state)
{
  (void)state;
  assert_int_equal(fail_each(FAULT_SUBMIT, live_shortly), 0);
}

static void
a_probe_that_is_refused_anything_leaves_nothing(void **state)
{
  (void)state;
  /* What one kind of socket is refused, the other has. */
  assert_int_equal(fail_each(FAULT_CALL, probe), 0);
  assert_true(fail_each(FAULT_MEMORY, probe) >= 1);
  assert_int_equal(fail_each(FAULT_SUBMIT, probe), 0);
}

/* -- with traffic ----------------------------------------------------------------------------- */

static void
serve(const fault_plan_t *plan, play_mode_t mode, sea_options_t options, uint32_t write_max)
{
  play_t play = {.mode = mode, .peers = {.n = 4, .write_max = write_max, .cut = plan->lethal}};
  fault_begin(&(fault_plan_t){.seed = plan->seed});
  play_options(&play, &options, 0);
  play.host = host_start(&options);
  play_begin(&play);
  peers_begin(&play.peers, play.host->port, false);
  fault_change(plan);
  fault_arm(true);
  play_until(&play, peers_done(&play.peers));
  if (options.echo) {
    host_stop_quiet(play.host);
  } else {
    host_stop(play.host);
  }
  fault_arm(false);
  fault_end();
}

static void
fail_in_traffic(fault_point_t point, bool lethal)
{
  for (uint32_t mode = 0; mode < PLAY_MODES; mode++) {
    fault_plan_t plan = {.nth_point = point, .lethal = lethal};
    do {
      plan.nth++;
      plan.seed = plan.nth;
      serve(&plan, (play_mode_t)mode, tiny_options(), 512);
    } while (fault_fired(point) > 0 && plan.nth < (mode < PLAY_HTTP ? TIMES_MAX : TIMES_MAX_HTTP));
    assert_true(plan.nth > 1 || (point == FAULT_WAKE && inline_driver()));
  }
}

static void
an_operation_that_fails_once_is_done_again(void **state)
{
  (void)state;
  static const fault_point_t points[] = {FAULT_RECV, FAULT_SEND,  FAULT_CANCEL,
                                         FAULT_WAKE, FAULT_SHORT, FAULT_ONE_SHOT};
  for (uint32_t i = 0; i < sizeof points / sizeof *points; i++) {
    fail_in_traffic(points[i], false);
  }
}

static void
a_call_into_the_kernel_that_is_refused_once_is_made_again(void **state)
{
  (void)state;
  fail_in_traffic(FAULT_SUBMIT, false);
  fail_in_traffic(FAULT_PARTIAL, false);
}

static void
an_error_ends_one_connection_at_most(void **state)
{
  (void)state;
  fail_in_traffic(FAULT_RECV, true);
  fail_in_traffic(FAULT_SEND, true);
  fail_in_traffic(FAULT_MEMORY, true);
}

/* What is held comes in pieces that take memory each, and there are few buffers meanwhile. */
static void
memory_that_fails_for_what_was_held_costs_its_connection(void **state)
{
  (void)state;
  for (uint32_t facade = 0; facade < 2; facade++) {
    for (uint32_t nth = 1; nth <= TIMES_MAX_HTTP; nth++) {
      fault_plan_t plan = {.nth_point = FAULT_MEMORY, .nth = nth, .lethal = true, .seed = nth};
      plan.per_mille[FAULT_RECV] = 100;
      plan.per_mille[FAULT_MEMORY] = nth % 2 == 0 ? 50 : 300;
      sea_options_t options = tiny_options();
      options.buffer_size = 4096;
      serve(&plan, facade == 1 ? PLAY_FACADE : PLAY_HTTP, options, 8192);
    }
  }
}

static uint64_t told;   /* bytes of a body */
static uint32_t wholes; /* ends of bodies */

static void
on_request(host_t *host, host_conn_t *conn, const sea_http_record_t *record)
{
  (void)host;
  (void)conn;
  (void)record;
}

static void
on_body(host_t *host, host_conn_t *conn, const void *bytes, size_t len)
{
  (void)host;
  (void)conn;
  (void)bytes;
  told += len;
}

static void
on_request_end(host_t *host, host_conn_t *conn)
{
  (void)host;
  (void)conn;
  assert_int_equal(told, 3000);
  wholes++;
}

/* Held behind another request, so that its bytes are copied once more. */
static void
a_body_without_memory_for_a_piece_is_never_told_to_be_whole(void **state)
{
  (void)state;
  static const char text[4096] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
                                 "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n";
  for (uint32_t nth = 1; nth <= 12; nth++) {
    fault_plan_t plan = {.nth_point = FAULT_MEMORY, .nth = nth, .lethal = true, .seed = nth};
    sea_http_options_t http = http_options();
    sea_options_t options = tiny_options();
    options.buffer_size = 16384;
    options.http = &http;
    http.facade = true;
    http.pipeline_max = 1;
    fault_begin(&plan);
    play_t play = {.host = host_start(&options)};
    play_begin(&play);
    play.host->on_request = on_request;
    play.host->on_data = on_body;
    play.host->on_request_end = on_request_end;
    told = wholes = 0;
    fault_arm(true);
    int fd = client_connect(play.host->port);
    client_write(fd, text, strlen(text) + 3000);
    play_until(&play, wholes == 1 || play.host->closed == 1 ||
                          host_info(play.host).connections_rejected == 1);
    client_reset(fd);
    host_stop(play.host);
    fault_arm(false);
    fault_end();
  }
}

/* Armed before the listener is, which is once. */
static void
an_accept_that_fails_once_is_made_again(void **state)
{
  (void)state;
  static const int errors[] = {EMFILE, ENFILE,    ENOBUFS, ENOMEM, ECONNABORTED,
                               EINTR,  ECANCELED, EAGAIN,  EPERM};
  for (uint32_t i = 0; i < sizeof errors / sizeof *errors; i++) {
    fault_plan_t plan = {.nth_point = FAULT_ACCEPT, .nth = 1, .accept_error = errors[i]};
    play_t play = {.peers = {.n = 4, .write_max = 512}};
    sea_options_t options = default_options();
    fault_begin(&plan);
    fault_arm(true);
    play.host = host_start(&options);
    play_begin(&play);
    peers_begin(&play.peers, play.host->port, false);
    play_until(&play, peers_done(&play.peers));
    assert_int_equal(fault_fired(FAULT_ACCEPT), 1);
    host_stop(play.host);
    fault_arm(false);
    fault_end();
  }
}

/* A moment without memory costs a send its bytes; none that come later may leave in their place. */
static void
after_a_send_that_failed_no_other_leaves(bool posted)
{
  sea_options_t options = default_options();
  play_t play = {.peers = {.n = 1, .write_max = 64}};
  fault_plan_t plan = {.nth_point = FAULT_SEND, .nth = 1, .send_error = ENOBUFS};
  fault_begin(&plan);
  play.host = host_start(&options);
  play.host->posts = true;
  peers_begin(&play.peers, play.host->port, false);
  play_begin(&play);
  play.host->on_data = NULL;
  play_until(&play, play.host->opened == 1);
  host_conn_t *conn = &play.host->conns[0];
  fault_arm(true);
  if (posted) {
    sea_outgoing_t entry = {.id = conn->id, .data = "lost", .len = 4};
    assert_int_equal(sea_post(play.host->server, &entry, 1, false), 0);
  } else {
    host_send(play.host, conn, "lost", 4);
  }
  sea_flush(play.host->server);
  while (fault_fired(FAULT_SEND) == 0 || host_info(play.host).connections_closed == 0) {
    assert_int_equal(sea_send_now(play.host->server, conn->id, "hole", 4), 0);
    play_turn(&play);
    if (conn->sent_result < 0) {
      host_close(play.host, conn, false);
      sea_flush(play.host->server);
    }
  }
  peers_end(&play.peers);
  host_stop(play.host);
  fault_arm(false);
  fault_end();
}

static void
a_send_that_failed_bars_the_way_past_the_worker(void **state)
{
  (void)state;
  after_a_send_that_failed_no_other_leaves(false);
  after_a_send_that_failed_no_other_leaves(true);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_start_that_runs_out_of_memory_leaves_nothing),
      cmocka_unit_test(a_start_whose_calls_fail_leaves_nothing),
      cmocka_unit_test(a_start_whose_ring_refuses_goes_on),
      cmocka_unit_test(a_probe_that_is_refused_anything_leaves_nothing),
      cmocka_unit_test(an_operation_that_fails_once_is_done_again),
      cmocka_unit_test(an_accept_that_fails_once_is_made_again),
      cmocka_unit_test(a_call_into_the_kernel_that_is_refused_once_is_made_again),
      cmocka_unit_test(a_send_that_failed_bars_the_way_past_the_worker),
      cmocka_unit_test(memory_that_fails_for_what_was_held_costs_its_connection),
      cmocka_unit_test(a_body_without_memory_for_a_piece_is_never_told_to_be_whole),
      cmocka_unit_test(an_error_ends_one_connection_at_most),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
