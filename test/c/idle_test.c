/* Idle connections are closed in the end; busy ones are not. */
#include <unistd.h>

#include "support.h"

#define IDLE_MS 200U

static void
idle_connections_are_closed_and_say_why(void **state)
{
  (void)state;
  enum { CONNS = 20 };
  sea_options_t options = default_options();
  options.idle_ms = IDLE_MS;
  host_t *host = host_start(&options);
  int fds[CONNS];
  uint64_t start_ms = monotonic_ms();
  for (uint32_t i = 0; i < CONNS; i++) {
    fds[i] = client_connect(host->port);
  }
  host_until(host, host->closed == CONNS);
  /* Never early: the coarse clock's grain is all that may be missing. */
  assert_true(monotonic_ms() - start_ms >= IDLE_MS - 20);
  for (uint32_t i = 0; i < CONNS; i++) {
    assert_int_equal(host->conns[i].reason, SEA_CLOSE_IDLE);
    client_expect_end(fds[i]);
    close(fds[i]);
  }
  assert_int_equal(host_info(host).idle_timeouts, CONNS);
  host_drain(host);
  host_stop(host);
}

/* Bytes that arrive put the end off; the connection next to it ends meanwhile. */
static void
traffic_keeps_a_connection(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  options.idle_ms = 2000;
  host_t *host = host_start(&options);
  host_echo(host);
  int busy = client_connect(host->port);
  host_until(host, host->opened == 1);
  int silent = client_connect(host->port);
  host_until(host, host->opened == 2);
  for (uint64_t sent = 0; !host->conns[1].closed; sent++) {
    client_write_pattern(busy, 1, 1, sent);
    host_until(host, host->conns[0].received == sent + 1);
    client_expect_pattern(busy, 1, 1, sent);
    host_turn(host);
  }
  assert_int_equal(host->conns[1].reason, SEA_CLOSE_IDLE);
  assert_false(host->conns[0].closed);
  host_until(host, host->conns[0].closed); /* silent now itself */
  assert_int_equal(host->conns[0].reason, SEA_CLOSE_IDLE);
  close(busy);
  close(silent);
  host_drain(host);
  host_stop(host);
}

/* A send that the peer does not take is no traffic. */
static void
a_peer_that_never_reads_ends_as_idle(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  options.idle_ms = IDLE_MS;
  host_t *host = host_start(&options);
  int fd = client_connect(host->port);
  host_until(host, host->opened == 1);
  host_send_pattern(host, &host->conns[0], 64U << 20, 1, 0);
  sea_flush(host->server);
  host_until(host, host->conns[0].closed);
  assert_int_equal(host->conns[0].reason, SEA_CLOSE_IDLE);
  assert_int_equal(host->conns[0].sents, 0);
  close(fd);
  host_drain(host);
  host_stop(host);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(idle_connections_are_closed_and_say_why),
      cmocka_unit_test(traffic_keeps_a_connection),
      cmocka_unit_test(a_peer_that_never_reads_ends_as_idle),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
