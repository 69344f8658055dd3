/* Ends of connections: whatever is under way, one CLOSED, and nothing of anybody else is touched.
 */
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "support.h"

#define BIG (32U << 20)

static void
a_close_cuts_a_large_send_short(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  host_t *host = host_start(&options);
  int fd = client_connect(host->port);
  host_until(host, host->opened == 1);
  host_conn_t *conn = &host->conns[0];
  host_send_pattern(host, conn, BIG, 1, 0);
  host_send_pattern(host, conn, BIG, 1, BIG);
  sea_flush(host->server);
  host_until(host, host_info(host).bytes_sent > 0 || sea_conn_queued(host->server, conn->id) > 0);
  host_close(host, conn, false);
  sea_flush(host->server);
  host_until(host, conn->closed);
  assert_int_equal(conn->reason, SEA_CLOSE_ASKED);
  assert_int_equal(conn->sents, 0);
  assert_int_equal(sea_conn_queued(host->server, conn->id), 0);
  int error;
  uint64_t received = client_read_pattern(fd, 1, 0, &error);
  assert_true(received < 2ULL * BIG);
  assert_int_equal(error, 0);
  close(fd);
  host_drain(host);
  host_stop(host);
}

static void
what_was_sent_just_before_a_close_arrives(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  host_t *host = host_start(&options);
  for (uint32_t i = 0; i < 200; i++) {
    int fd = client_connect(host->port);
    host_until(host, host->opened == i + 1);
    host_send_pattern(host, &host->conns[i], 1000, i, 0);
    host_send_pattern(host, &host->conns[i], 1000, i, 1000);
    host_close(host, &host->conns[i], false);
    sea_flush(host->server);
    client_expect_pattern(fd, 2000, i, 0);
    client_expect_end(fd);
    close(fd);
  }
  host_drain(host);
  host_stop(host);
}

/* The event ring is filled up to where the worker sends `first` but cannot look at the result. What
 * is queued behind it, just before the close, still has its attempt. */
static void
a_close_behind_an_unseen_send_loses_nothing(void **state)
{
  (void)state;
  enum { FILLED = 12 };
  sea_options_t options = tiny_options();
  host_t *host = host_start(&options);
  int fds[2] = {client_connect(host->port), client_connect(host->port)};
  host_until(host, host->opened == 2);
  host_conn_t *filler = &host->conns[0];
  host_conn_t *conn = &host->conns[1];
  for (uint32_t i = 0; i < FILLED; i++) {
    host_send(host, filler, "f", 1);
    sea_flush(host->server);
    until(sea_events_poll(host->server) == i + 1, nap());
  }
  host_send(host, filler, "f", 1);
  host_send_pattern(host, conn, 100, 3, 0);
  sea_flush(host->server);
  until(sea_events_poll(host->server) > FILLED, nap());
  host_send_pattern(host, conn, 100, 3, 100);
  host_close(host, conn, false);
  assert_int_equal(eventfd_write(host->bell, 1), 0);
  host_until(host, conn->closed);
  client_expect_pattern(fds[1], 200, 3, 0);
  client_expect_end(fds[1]);
  host_close(host, filler, false);
  sea_flush(host->server);
  close(fds[0]);
  close(fds[1]);
  host_drain(host);
  host_stop(host);
}

static void
a_reset_reaches_the_peer(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  host_t *host = host_start(&options);
  for (uint32_t i = 0; i < 20; i++) {
    int fd = client_connect(host->port);
    host_until(host, host->opened == i + 1);
    if (i % 2 == 0) { /* also with a send that waits for the peer */
      host_send_pattern(host, &host->conns[i], BIG, 1, 0);
    }
    host_close(host, &host->conns[i], true);
    sea_flush(host->server);
    host_until(host, host->conns[i].closed);
    int error;
    client_read_pattern(fd, 1, 0, &error);
    assert_int_equal(error, -ECONNRESET);
    close(fd);
  }
  host_drain(host);
  host_stop(host);
}

static void
leave_open(host_t *host, host_conn_t *conn)
{
  (void)host;
  (void)conn;
}

static void
a_reset_by_the_peer_is_an_error_and_fails_later_sends(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  host_t *host = host_start(&options);
  host->on_failed = leave_open;
  int fd = client_connect(host->port);
  host_until(host, host->opened == 1);
  host_conn_t *conn = &host->conns[0];
  client_reset(fd);
  host_until(host, conn->failed);
  assert_int_equal(conn->error, -ECONNRESET);
  for (uint32_t i = 0; i < 3; i++) {
    host_send(host, conn, "x", 1);
    sea_flush(host->server);
    host_until(host, conn->sents == i + 1);
    assert_int_equal(conn->sent_result, -EPIPE);
  }
  assert_false(conn->closed);
  host_close(host, conn, false);
  sea_flush(host->server);
  host_until(host, conn->closed);
  host_drain(host);
  host_stop(host);
}

/* With the inline driver both are there before anybody looks. */
static void
see_resets_right_behind_bytes(sea_options_t options)
{
  enum { CONNS = 20 };
  host_t *host = host_start(&options);
  int fds[CONNS];
  for (uint32_t i = 0; i < CONNS; i++) {
    fds[i] = client_connect(host->port);
    host_until(host, host->opened == i + 1);
  }
  for (uint32_t i = 0; i < CONNS; i++) {
    client_write(fds[i], "x", 1);
    client_reset(fds[i]);
  }
  host_drain(host);
  for (uint32_t i = 0; i < CONNS; i++) {
    assert_int_equal(host->conns[i].error, -ECONNRESET);
  }
  host_stop(host);
}

static void
a_reset_right_behind_the_bytes_is_seen(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  see_resets_right_behind_bytes(options);
  options.watch_resets = true; /* kernels that need no watch bear one */
  see_resets_right_behind_bytes(options);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_reset_right_behind_the_bytes_is_seen),
      cmocka_unit_test(a_close_cuts_a_large_send_short),
      cmocka_unit_test(what_was_sent_just_before_a_close_arrives),
      cmocka_unit_test(a_close_behind_an_unseen_send_loses_nothing),
      cmocka_unit_test(a_reset_reaches_the_peer),
      cmocka_unit_test(a_reset_by_the_peer_is_an_error_and_fails_later_sends),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
