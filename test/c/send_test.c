/* Sends of every shape: gathered, long queues, nothing at all. */
#include <unistd.h>

#include "support.h"

#define SENDS 3000U

static char bytes[SENDS * 100];

/* Only the last of them is waited for: they go out gathered. */
static void
a_long_queue_leaves_in_order(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  host_t *host = host_start(&options);
  int fd = client_connect(host->port);
  host_until(host, host->opened == 1);
  pattern_fill(bytes, sizeof bytes, 9, 0);
  sea_conn_id_t id = host->conns[0].id;
  for (uint32_t i = 0; i < SENDS; i++) {
    assert_int_equal(sea_send(host->server, id, bytes + i * 100, 100, false), 0);
  }
  host_send_pattern(host, &host->conns[0], 1, 9, sizeof bytes);
  sea_flush(host->server);
  client_expect_pattern(fd, sizeof bytes + 1, 9, 0);
  host_until(host, host->conns[0].sents == 1);
  assert_int_equal(host->conns[0].sent_result, 0);
  assert_int_equal(sea_conn_queued(host->server, id), 0);
  host_close(host, &host->conns[0], false);
  sea_flush(host->server);
  close(fd);
  host_drain(host);
  host_stop(host);
}

/* An empty write has a callback too. Many of them must not overrun the event ring. */
static void
empty_sends_are_each_answered(void **state)
{
  (void)state;
  enum { EMPTY = 100 };
  sea_options_t options = tiny_options();
  options.command_capacity = 1024;
  host_t *host = host_start(&options);
  int fd = client_connect(host->port);
  host_until(host, host->opened == 1);
  host_conn_t *conn = &host->conns[0];
  for (uint32_t i = 0; i < EMPTY; i++) {
    host_send(host, conn, "", 0);
  }
  sea_flush(host->server);
  host_until(host, conn->sents == EMPTY);
  host_send_pattern(host, conn, 100, 4, 0);
  for (uint32_t i = 0; i < EMPTY; i++) {
    host_send(host, conn, "", 0);
  }
  host_send_pattern(host, conn, 100, 4, 100);
  sea_flush(host->server);
  host_until(host, conn->sents == 2 * EMPTY + 2);
  client_expect_pattern(fd, 200, 4, 0);
  assert_int_equal(conn->sent_result, 0);
  host_close(host, conn, false);
  sea_flush(host->server);
  client_expect_end(fd);
  close(fd);
  host_drain(host);
  host_stop(host);
}

/* The peer reads when everything is queued: `queued` falls from there to nothing. */
static void
queued_bytes_are_what_the_kernel_has_not_taken(void **state)
{
  (void)state;
  enum { LEN = 48 << 20 };
  sea_options_t options = default_options();
  host_t *host = host_start(&options);
  int fd = client_connect(host->port);
  host_until(host, host->opened == 1);
  host_conn_t *conn = &host->conns[0];
  host_send_pattern(host, conn, LEN, 5, 0);
  sea_flush(host->server);
  host_until(host, sea_conn_queued(host->server, conn->id) > 0);
  assert_true(sea_conn_queued(host->server, conn->id) <= LEN);
  assert_int_equal(conn->sents, 0);
  client_expect_pattern(fd, LEN, 5, 0);
  host_until(host, conn->sents == 1);
  assert_int_equal(sea_conn_queued(host->server, conn->id), 0);
  host_close(host, conn, false);
  sea_flush(host->server);
  close(fd);
  host_drain(host);
  assert_int_equal(host_info(host).bytes_sent, LEN);
  host_stop(host);
}

/* Each of many connections has a long queue, and the peers read the last one first. What the kernel
 * holds of them is little: all that a small machine has for TCP is soon used up, and then it drops.
 */
static void
many_queues_gather_at_once(void **state)
{
  (void)state;
  enum { CONNS = 150, CHUNK = 64 << 10, CHUNKS = 80 };
  static char shared[CHUNK];
  sea_options_t options = default_options();
  host_t *host = host_create(&options);
  host->send_buffer_bytes = CHUNK;
  host_listen(host);
  int fds[CONNS];
  pattern_fill(shared, CHUNK, 6, 0);
  for (uint32_t i = 0; i < CONNS; i++) {
    fds[i] = client_connect(host->port);
    host_until(host, host->opened == i + 1);
  }
  for (uint32_t i = 0; i < CONNS; i++) {
    for (uint32_t k = 0; k < CHUNKS; k++) {
      assert_int_equal(sea_send(host->server, host->conns[i].id, shared, CHUNK, false), 0);
    }
    host_shutdown(host, &host->conns[i]);
  }
  sea_flush(host->server);
  for (uint32_t i = CONNS; i-- > 0;) { /* the last first, so that all have to wait */
    for (uint32_t k = 0; k < CHUNKS; k++) {
      client_expect_pattern(fds[i], CHUNK, 6, 0);
    }
    client_expect_end(fds[i]);
    close(fds[i]);
    host_close(host, &host->conns[i], false);
    sea_flush(host->server);
  }
  host_drain(host);
  host_stop(host);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_long_queue_leaves_in_order),
      cmocka_unit_test(empty_sends_are_each_answered),
      cmocka_unit_test(queued_bytes_are_what_the_kernel_has_not_taken),
      cmocka_unit_test(many_queues_gather_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
