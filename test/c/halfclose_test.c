/* FIN from either side; the other direction goes on. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support.h"

#define LEN (3U << 20)

static void
the_server_goes_on_writing_after_the_peers_end(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  host_t *host = host_start(&options);
  int fd = client_connect(host->port);
  client_write_pattern(fd, 1000, 1, 0);
  shutdown(fd, SHUT_WR);
  host_until(host, host->opened == 1 && host->conns[0].ended);
  host_conn_t *conn = &host->conns[0];
  assert_int_equal(conn->received, 1000);
  host_send_pattern(host, conn, LEN, 2, 0);
  host_shutdown(host, conn);
  sea_flush(host->server);
  client_expect_pattern(fd, LEN, 2, 0);
  client_expect_end(fd);
  host_until(host, conn->shut);
  assert_int_equal(conn->shutdown_result, 0);
  assert_int_equal(conn->sents, 1);
  assert_false(conn->closed); /* closing is the host's business */
  host_close(host, conn, false);
  sea_flush(host->server);
  close(fd);
  host_drain(host);
  host_stop(host);
}

static void *
write_and_end(void *arg)
{
  int fd = *(int *)arg;
  client_expect_end(fd);
  client_write_pattern(fd, LEN, 3, 0);
  shutdown(fd, SHUT_WR);
  return NULL;
}

static void
check_data(host_t *host, host_conn_t *conn, const void *bytes, size_t len)
{
  (void)host;
  assert_true(pattern_matches(bytes, len, 3, conn->received - len));
}

static void
the_server_goes_on_reading_after_its_own_end(void **state)
{
  (void)state;
  const sea_options_t options[] = {default_options(), tiny_options()};
  for (size_t i = 0; i < 2; i++) {
    host_t *host = host_start(&options[i]);
    host->on_data = check_data;
    pthread_t thread;
    int fd = client_connect(host->port);
    host_until(host, host->opened == 1);
    host_conn_t *conn = &host->conns[0];
    host_shutdown(host, conn);
    sea_flush(host->server);
    assert_int_equal(pthread_create(&thread, NULL, write_and_end, &fd), 0);
    host_until(host, conn->ended);
    join(thread);
    assert_true(conn->shut);
    assert_int_equal(conn->received, LEN);
    host_close(host, conn, false);
    sea_flush(host->server);
    close(fd);
    host_drain(host);
    host_stop(host);
  }
}

static void
nothing_is_sent_after_the_end(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  host_t *host = host_start(&options);
  int fd = client_connect(host->port);
  host_until(host, host->opened == 1);
  host_conn_t *conn = &host->conns[0];
  host_send_pattern(host, conn, 10, 1, 0);
  host_shutdown(host, conn);
  host_shutdown(host, conn); /* answered once */
  host_send_pattern(host, conn, 10, 1, 10);
  sea_flush(host->server);
  host_until(host, conn->sents == 2 && conn->shut);
  client_expect_pattern(fd, 10, 1, 0);
  client_expect_end(fd);
  host_send_pattern(host, conn, 10, 1, 10);
  sea_flush(host->server);
  host_until(host, conn->sents == 3);
  assert_int_equal(conn->sent_result, -EPIPE);
  host_close(host, conn, false);
  sea_flush(host->server);
  close(fd);
  host_drain(host);
  host_stop(host);
}

/* Both ends at once, many times: one END, one SHUTDOWN, one CLOSED each. */
static void
both_sides_end_at_once(void **state)
{
  (void)state;
  sea_options_t options = tiny_options();
  host_t *host = host_start(&options);
  for (uint32_t i = 0; i < 300; i++) {
    int fd = client_connect(host->port);
    host_until(host, host->opened == i + 1);
    host_conn_t *conn = &host->conns[i];
    host_shutdown(host, conn);
    sea_flush(host->server);
    shutdown(fd, SHUT_WR);
    host_until(host, conn->ended && conn->shut);
    host_close(host, conn, false);
    sea_flush(host->server);
    client_expect_end(fd);
    close(fd);
  }
  host_drain(host);
  host_stop(host);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_server_goes_on_writing_after_the_peers_end),
      cmocka_unit_test(the_server_goes_on_reading_after_its_own_end),
      cmocka_unit_test(nothing_is_sent_after_the_end),
      cmocka_unit_test(both_sides_end_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
