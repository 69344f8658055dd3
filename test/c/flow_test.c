/* A host that does not keep up, or does not want to: the peer waits, and nothing is lost. */
#include <sys/socket.h>
#include <unistd.h>

#include "support.h"

#define LEN (24U << 20)

typedef struct writer {
  uint16_t port;
  uint64_t len;
  pthread_t thread;
  _Atomic uint64_t written;
} writer_t;

static void *
write_all(void *arg)
{
  writer_t *writer = arg;
  int fd = client_connect(writer->port);
  static char piece[65536];
  while (writer->written < writer->len) {
    uint64_t left = writer->len - writer->written;
    size_t n = left < sizeof piece ? (size_t)left : sizeof piece;
    pattern_fill(piece, n, 8, writer->written);
    client_write(fd, piece, n);
    writer->written += n;
  }
  shutdown(fd, SHUT_WR);
  client_expect_end(fd);
  close(fd);
  return NULL;
}

static void
check_data(host_t *host, host_conn_t *conn, const void *bytes, size_t len)
{
  (void)host;
  assert_true(pattern_matches(bytes, len, 8, conn->received - len));
}

static void
close_at_end(host_t *host, host_conn_t *conn)
{
  host_close(host, conn, false);
}

static host_t *
start(const sea_options_t *options, writer_t *writer)
{
  host_t *host = host_start(options);
  host->on_data = check_data;
  host->on_end = close_at_end;
  writer->port = host->port;
  writer->written = 0;
  return host;
}

static void
finish(host_t *host, writer_t *writer)
{
  host_until(host, host->opened == 1 && host->closed == 1);
  join(writer->thread);
  assert_int_equal(host->conns[0].received, writer->len);
  host_drain(host);
  host_stop(host);
}

/* The event ring runs full, or the buffers run out; whichever, the peer is held up until the host
 * comes back. */
static void
a_host_that_sleeps_misses_nothing(void **state)
{
  (void)state;
  sea_options_t few_events = default_options();
  few_events.event_capacity = 16;
  sea_options_t few_buffers = default_options();
  few_buffers.buffer_count = 8;
  const sea_options_t options[] = {few_events, few_buffers, tiny_options()};
  for (size_t i = 0; i < 3; i++) {
    writer_t writer = {.len = i == 2 ? LEN / 16 : LEN};
    host_t *host = start(&options[i], &writer);
    pthread_create(&writer.thread, NULL, write_all, &writer);
    until(host_info(host).event_stalls + host_info(host).buffer_starvations > 0, nap());
    uint64_t passes = host_info(host).passes;
    for (int k = 0; k < 50; k++) {
      nap();
    }
    assert_true(host_info(host).passes - passes < 50); /* it sleeps, too */
    finish(host, &writer);
  }
}

static void
pausing_and_resuming_at_random_loses_nothing(void **state)
{
  (void)state;
  const sea_options_t options[] = {default_options(), tiny_options()};
  for (size_t i = 0; i < 2; i++) {
    writer_t writer = {.len = i == 1 ? LEN / 256 : LEN / 2};
    host_t *host = start(&options[i], &writer);
    uint32_t random = 11;
    pthread_create(&writer.thread, NULL, write_all, &writer);
    host_until(host, host->opened == 1);
    host_conn_t *conn = &host->conns[0];
    while (!conn->ended) {
      switch (next_random(&random) % 4) {
      case 0:
        host_pause(host, conn);
        break;
      case 1: /* both before the worker looks */
        host_resume(host, conn);
        host_pause(host, conn);
        host_resume(host, conn);
        break;
      default:
        host_resume(host, conn);
      }
      sea_flush(host->server);
      host_turn(host);
    }
    finish(host, &writer);
  }
}

static void
pause_at_open(host_t *host, host_conn_t *conn)
{
  host_pause(host, conn);
}

/* Once a pause is in force nothing arrives, until resume: the peer cannot get rid of its bytes. */
static void
a_paused_connection_holds_its_peer_up(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  writer_t writer = {.len = 64U << 20};
  host_t *host = start(&options, &writer);
  host->on_open = pause_at_open;
  pthread_create(&writer.thread, NULL, write_all, &writer);
  uint64_t before;
  do { /* as long as anything moves */
    before = writer.written;
    for (int k = 0; k < 50; k++) {
      host_turn(host);
    }
  } while (before == 0 || writer.written != before);
  assert_true(writer.written < writer.len);
  assert_true(host->received < writer.len / 2);
  host_resume(host, &host->conns[0]);
  sea_flush(host->server);
  finish(host, &writer);
}

/* A connection that is closed while it is paused, or waits for a buffer, gives everything back. */
static void
paused_and_starved_connections_close(void **state)
{
  (void)state;
  sea_options_t options = tiny_options();
  host_t *host = host_start(&options);
  int fds[20];
  for (uint32_t i = 0; i < 20; i++) {
    fds[i] = client_connect(host->port);
    host_until(host, host->opened == i + 1);
    if (i % 2 == 0) {
      host_pause(host, &host->conns[i]);
    }
    client_write_pattern(fds[i], 2000, 8, 0);
  }
  for (uint32_t i = 0; i < 20; i++) {
    host_close(host, &host->conns[i], false);
    sea_flush(host->server);
  }
  host_drain(host);
  for (uint32_t i = 0; i < 20; i++) {
    close(fds[i]);
  }
  host_stop(host);
}

#define FAIR_CONNS 8U
#define FAIR_LEN 4096U
#define BUFFER_LEN 64U /* of tiny_options() */
#define AHEAD_MAX 4U   /* buffers that one connection may have had more than another */

/* Nobody is done yet as long as this is asked: all have as much to send. */
static void
check_fairness(host_t *host, host_conn_t *conn, const void *bytes, size_t len)
{
  uint64_t least = UINT64_MAX;
  uint64_t most = 0;
  (void)conn;
  (void)bytes;
  (void)len;
  for (uint32_t i = 0; i < FAIR_CONNS; i++) {
    uint64_t received = host->conns[i].received;
    least = received < least ? received : least;
    most = received > most ? received : most;
  }
  uint64_t *ahead = host->arg;
  *ahead = most - least > *ahead ? most - least : *ahead;
}

/* Connections that wait for buffers get them in turn: none is far ahead of another. */
static void
few_buffers_are_shared_fairly(void **state)
{
  (void)state;
  for (uint32_t count = 1; count <= 4; count *= 2) {
    sea_options_t options = tiny_options();
    options.buffer_count = count;
    uint64_t ahead = 0;
    int fds[FAIR_CONNS];
    host_t *host = host_start(&options);
    host->on_data = check_fairness;
    host->on_end = close_at_end;
    host->arg = &ahead;
    for (uint32_t i = 0; i < FAIR_CONNS; i++) {
      fds[i] = client_connect(host->port);
      host_until(host, host->opened == i + 1);
    }
    for (uint32_t i = 0; i < FAIR_CONNS; i++) {
      client_write_pattern(fds[i], FAIR_LEN, 8, 0);
    }
    host_until(host, host->received == FAIR_CONNS * FAIR_LEN);
    assert_true(host_info(host).buffer_starvations > 0);
    assert_true(ahead <= AHEAD_MAX * BUFFER_LEN * count);
    for (uint32_t i = 0; i < FAIR_CONNS; i++) {
      close(fds[i]);
    }
    host_drain(host);
    host_stop(host);
  }
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_host_that_sleeps_misses_nothing),
      cmocka_unit_test(pausing_and_resuming_at_random_loses_nothing),
      cmocka_unit_test(a_paused_connection_holds_its_peer_up),
      cmocka_unit_test(paused_and_starved_connections_close),
      cmocka_unit_test(few_buffers_are_shared_fairly),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
