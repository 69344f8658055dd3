/* Stopping and destroying, at any time, leaves nothing behind. */
#include <errno.h>
#include <unistd.h>

#include "support.h"

static void
stop_under_load(const sea_options_t *options, uint64_t bytes)
{
  host_t *host = host_start(options);
  host_echo(host);
  traffic_t traffic = {
      .port = host->port, .conns = 50, .bytes = 1U << 30, .write_max = 65536, .cut = true};
  traffic_start(&traffic);
  host_until(host, host->received > bytes);
  sea_stop(host->server);
  host_until(host, host->stopped);
  traffic_join(&traffic);
  host_stop(host);
}

static void
a_stop_under_load_ends_with_stopped(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  stop_under_load(&options, 16U << 20);
  options = tiny_options();
  stop_under_load(&options, 64U << 10);
}

/* Every connection is said to be closed, and the last event is STOPPED. */
static void
a_stop_closes_idle_connections(void **state)
{
  (void)state;
  sea_options_t options = tiny_options();
  host_t *host = host_start(&options);
  int fds[100];
  for (uint32_t i = 0; i < 100; i++) {
    fds[i] = client_connect(host->port);
  }
  host_until(host, host->opened == 100);
  sea_stop(host->server);
  host_until(host, host->stopped);
  for (uint32_t i = 0; i < 100; i++) {
    assert_true(host->conns[i].closed);
    assert_int_equal(host->conns[i].reason, SEA_CLOSE_STOP);
    client_expect_end(fds[i]);
    close(fds[i]);
  }
  host_stop(host);
}

static void
destroy_unconsumed(const sea_options_t *options)
{
  host_t *host = host_start(options);
  host_echo(host);
  traffic_t traffic = {
      .port = host->port, .conns = 50, .bytes = 1U << 30, .write_max = 65536, .cut = true};
  traffic_start(&traffic);
  host_until(host, host->received > 64U << 10);
  /* From here on nobody takes events. */
  until(host_info(host).event_stalls + host_info(host).buffer_starvations > 0, nap());
  sea_server_t *server = host->server;
  host->server = NULL;
  sea_server_destroy(server);
  traffic_join(&traffic);
  host_destroy(host);
}

static void
a_destroy_needs_nobody_to_take_events(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  options.buffer_count = 16;
  destroy_unconsumed(&options);
  options = tiny_options();
  destroy_unconsumed(&options);
}

static void
a_destroy_while_stopping(void **state)
{
  (void)state;
  sea_options_t options = tiny_options();
  for (uint32_t i = 0; i < 50; i++) {
    host_t *host = host_start(&options);
    int fds[8];
    for (uint32_t k = 0; k < 8; k++) {
      fds[k] = client_connect(host->port);
    }
    sea_stop(host->server);
    host_destroy(host);
    for (uint32_t k = 0; k < 8; k++) {
      close(fds[k]);
    }
  }
}

static void
a_server_can_be_destroyed_at_any_stage(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  sea_server_destroy(NULL);
  host_destroy(host_create(&options));
  host_t *host = host_create(&options);
  host->listener_closed = true; /* there is none */
  assert_int_equal(sea_server_start(host->server), 0);
  assert_int_equal(sea_server_start(host->server), -EALREADY);
  host_stop(host);
  for (uint32_t i = 0; i < 50; i++) {
    host_destroy(host_start(&options));
  }
}

static void
stop_accepting_keeps_the_connections(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  host_t *host = host_start(&options);
  host_echo(host);
  int fd = client_connect(host->port);
  host_until(host, host->opened == 1);
  assert_int_equal(sea_stop_accepting(host->server), 0);
  sea_flush(host->server);
  host_until(host, host->listener_closed);
  assert_int_equal(host->listener_result, 0);
  assert_int_equal(client_try_connect(host->port), -ECONNREFUSED);
  client_write_pattern(fd, 1000, 1, 0);
  host_until(host, host->conns[0].sents > 0 && host->received == 1000);
  client_expect_pattern(fd, 1000, 1, 0);
  struct sockaddr_storage address;
  assert_int_equal(sea_server_address(host->server, &address), 0);
  close(fd);
  host_drain(host);
  host_stop(host);
}

static void
servers_do_not_know_each_other(void **state)
{
  (void)state;
  enum { SERVERS = 4 };
  sea_options_t options = default_options();
  options.queue_depth = 32;
  host_t *hosts[SERVERS];
  traffic_t traffic[SERVERS];
  int threads = server_threads();
  for (uint32_t i = 0; i < SERVERS; i++) {
    hosts[i] = host_start(&options);
    host_echo(hosts[i]);
    traffic[i] = (traffic_t){
        .port = hosts[i]->port, .conns = 8, .bytes = 256U << 10, .write_max = 8192};
    traffic_start(&traffic[i]);
  }
  for (uint32_t i = SERVERS; i-- > 0;) {
    while (!traffic[i].done) {
      for (uint32_t k = 0; k <= i; k++) {
        host_turn(hosts[k]);
      }
    }
    traffic_join(&traffic[i]);
    host_drain(hosts[i]);
    sea_stop(hosts[i]->server);
    host_until(hosts[i], hosts[i]->stopped);
    sea_server_destroy(hosts[i]->server);
    hosts[i]->server = NULL;
  }
  for (uint32_t i = 0; i < SERVERS; i++) {
    hosts[i]->threads_before = threads;
    host_destroy(hosts[i]);
  }
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_stop_under_load_ends_with_stopped),
      cmocka_unit_test(a_stop_closes_idle_connections),
      cmocka_unit_test(a_destroy_needs_nobody_to_take_events),
      cmocka_unit_test(a_destroy_while_stopping),
      cmocka_unit_test(a_server_can_be_destroyed_at_any_stage),
      cmocka_unit_test(stop_accepting_keeps_the_connections),
      cmocka_unit_test(servers_do_not_know_each_other),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
