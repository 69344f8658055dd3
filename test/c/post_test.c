/* Sends whose bytes the core keeps: accepted or refused whole, and a DRAIN after a refusal. */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support.h"

#define PIECE 65536U
#define CLIENTS 8U

static char piece[1U << 20];

static int
post(host_t *host, const host_conn_t *conn, size_t len, uint32_t seed, uint64_t offset, bool finish)
{
  pattern_fill(piece, len, seed, offset);
  sea_outgoing_t entry = {.id = conn->id, .data = piece, .len = len};
  int error = sea_post(host->server, &entry, 1, finish);
  sea_flush(host->server);
  return error;
}

static host_t *
start_with(const sea_options_t *options, int *fds, uint32_t n)
{
  host_t *host = host_start(options);
  for (uint32_t i = 0; i < n; i++) {
    fds[i] = client_connect(host->port);
    host_until(host, host->opened == i + 1);
  }
  return host;
}

static void
end(host_t *host, const int *fds, uint32_t n)
{
  for (uint32_t i = 0; i < n; i++) {
    host_close(host, &host->conns[i], false);
    close(fds[i]);
  }
  sea_flush(host->server);
  host_drain(host);
  host_stop(host);
}

/* Posts pieces until one is refused. The bytes that were taken. */
static uint64_t
post_until_refused(host_t *host, const host_conn_t *conn, uint32_t seed, uint64_t offset)
{
  int error;
  while ((error = post(host, conn, PIECE, seed, offset, false)) == 0) {
    offset += PIECE;
    host_turn(host);
  }
  assert_int_equal(error, -EAGAIN);
  return offset;
}

static void
the_bytes_are_the_cores(void **state)
{
  (void)state;
  static const size_t sizes[] = {1, 100, 0, 192, 193, 5000, 16384, 70000, 3};
  sea_options_t options = default_options();
  int fd;
  host_t *host = start_with(&options, &fd, 1);
  uint64_t offset = 0;
  for (uint32_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    assert_int_equal(post(host, &host->conns[0], sizes[i], 3, offset, false), 0);
    offset += sizes[i];
  }
  client_expect_pattern(fd, offset, 3, 0);
  assert_int_equal(host->conns[0].sents, 0);
  end(host, &fd, 1);
}

static void
a_full_queue_refuses_and_drains(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  options.send_queue_max = 16;
  int fd;
  host_t *host = start_with(&options, &fd, 1);
  host_conn_t *conn = &host->conns[0];
  uint64_t taken = 0;
  uint64_t read = 0;
  for (uint32_t round = 0; round < 3; round++) {
    taken = post_until_refused(host, conn, 5, taken);
    assert_int_equal(post(host, conn, PIECE, 5, taken, false), -EAGAIN);
    assert_int_equal(conn->drains, round);
    client_expect_pattern(fd, taken - read, 5, read);
    read = taken;
    host_until(host, conn->drains == round + 1); /* one for both refusals */
  }
  assert_int_equal(post(host, conn, PIECE, 5, taken, false), 0);
  client_expect_pattern(fd, PIECE, 5, taken);
  assert_int_equal(conn->drains, 3);
  end(host, &fd, 1);
}

static void
of_many_all_are_taken_or_none(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  options.send_queue_max = 16;
  int fds[2];
  host_t *host = start_with(&options, fds, 2);
  host_conn_t *full = &host->conns[0];
  host_conn_t *free_one = &host->conns[1];
  uint64_t taken = post_until_refused(host, full, 6, 0);
  sea_outgoing_t entries[] = {
      {.id = free_one->id, .data = "lost", .len = 4, .holder = (void *)"holder"},
      {.id = full->id, .data = "lost", .len = 4, .holder = (void *)"holder"},
      {.id = free_one->id, .data = "lost", .len = 4},
  };
  assert_int_equal(sea_post(host->server, entries, 3, false), -EAGAIN);
  assert_int_equal(host->released, 2);
  assert_int_equal(post(host, free_one, 10, 7, 0, false), 0);
  client_expect_pattern(fds[1], 10, 7, 0);
  client_expect_pattern(fds[0], taken, 6, 0);
  host_until(host, full->drains == 1);
  entries[0] = (sea_outgoing_t){.id = free_one->id, .data = piece, .len = 100};
  entries[1] = (sea_outgoing_t){.id = full->id, .data = piece, .len = 50};
  pattern_fill(piece, 100, 8, 0);
  assert_int_equal(sea_post(host->server, entries, 2, false), 0);
  sea_flush(host->server);
  client_expect_pattern(fds[1], 100, 8, 0);
  client_expect_pattern(fds[0], 50, 8, 0);
  assert_int_equal(free_one->drains, 0);
  end(host, fds, 2);
}

static void
who_is_gone_takes_nothing(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  int fds[2];
  host_t *host = start_with(&options, fds, 2);
  host_close(host, &host->conns[0], false);
  sea_flush(host->server);
  host_until(host, host->conns[0].closed);
  assert_int_equal(post(host, &host->conns[0], 10, 1, 0, false), -ENOTCONN);
  sea_outgoing_t entries[] = {
      {.id = host->conns[0].id, .data = "x", .len = 1, .holder = (void *)"holder"},
      {.id = host->conns[1].id, .data = "x", .len = 1},
      {.id = ((sea_conn_id_t)1 << SEA_SLOT_BITS) | 0xffffff, .data = "x", .len = 1},
  };
  assert_int_equal(sea_post(host->server, entries, 3, false), 0);
  assert_int_equal(host->released, 1);
  sea_flush(host->server);
  char byte;
  (void)inline_wait(fds[1], POLLIN);
  client_must(recv(fds[1], &byte, 1, 0) == 1 && byte == 'x');
  host_close(host, &host->conns[1], false);
  sea_flush(host->server);
  close(fds[0]);
  close(fds[1]);
  host_drain(host);
  host_stop(host);
}

/* Whatever is asked for, nothing is taken in part. */
static void
a_full_command_ring_refuses(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  options.command_capacity = 16;
  int fd;
  host_t *host = start_with(&options, &fd, 1);
  host_conn_t *conn = &host->conns[0];
  uint64_t offset = 0;
  uint32_t refused = 0;
  while (refused < 20) {
    int error = post(host, conn, 64, 9, offset, false);
    assert_true(error == 0 || error == -ENOBUFS || error == -EAGAIN);
    if (error == 0) {
      offset += 64;
      sea_outgoing_t entries[17];
      for (uint32_t i = 0; i < 17; i++) {
        entries[i] = (sea_outgoing_t){.id = conn->id, .data = piece, .len = 64};
      }
      assert_int_equal(sea_post(host->server, entries, 17, false), -ENOBUFS);
      sea_flush(host->server); /* a refusal wants the worker awake too */
      refused++;
      host_until(host, host->spaces >= refused);
    } else {
      host_turn(host);
    }
  }
  client_expect_pattern(fd, offset, 9, 0);
  end(host, &fd, 1);
}

static void
the_last_one_closes(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  int fd;
  host_t *host = start_with(&options, &fd, 1);
  host_conn_t *conn = &host->conns[0];
  host_pause(host, conn); /* which does not keep it from seeing the FIN */
  for (uint64_t offset = 0; offset < 32 * PIECE; offset += PIECE) {
    assert_int_equal(post(host, conn, PIECE, 4, offset, false), 0);
  }
  assert_int_equal(post(host, conn, PIECE, 4, 32 * PIECE, true), 0);
  /* What was posted comes whole although the client still sends. */
  client_write_pattern(fd, 1U << 16, 1, 0);
  client_expect_pattern(fd, 33 * PIECE, 4, 0);
  client_expect_end(fd);
  client_write_pattern(fd, 1U << 16, 1, 0);
  assert_false(conn->closed);
  close(fd);
  host_until(host, conn->closed);
  assert_int_equal(conn->received, 0);
  assert_false(conn->ended || conn->failed || conn->shut);
  assert_int_equal(conn->reason, SEA_CLOSE_ASKED);
  host_drain(host);
  host_stop(host);
}

static void
also_when_the_peer_has_ended_before(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  int fd;
  host_t *host = start_with(&options, &fd, 1);
  shutdown(fd, SHUT_WR);
  host_until(host, host->conns[0].ended);
  assert_int_equal(post(host, &host->conns[0], 100000, 2, 0, true), 0);
  client_expect_pattern(fd, 100000, 2, 0);
  client_expect_end(fd);
  host_until(host, host->conns[0].closed);
  close(fd);
  host_drain(host);
  host_stop(host);
}

static void
a_failed_send_is_an_error(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  options.send_queue_max = 16;
  int fd;
  host_t *host = start_with(&options, &fd, 1);
  host_conn_t *conn = &host->conns[0];
  host_pause(host, conn);
  post_until_refused(host, conn, 1, 0);
  client_reset(fd);
  host_until(host, conn->failed);
  assert_true(conn->error == -ECONNRESET || conn->error == -EPIPE);
  assert_int_equal(conn->drains, 0);
  host_until(host, conn->closed);
  host_drain(host);
  host_stop(host);
}

static void
a_broadcast_reaches_all_and_is_kept_for_the_slowest(void **state)
{
  (void)state;
  enum { LEN = 1U << 20, TIMES = 12 };
  sea_options_t options = default_options();
  int fds[CLIENTS];
  host_t *host = start_with(&options, fds, CLIENTS);
  sea_conn_id_t ids[CLIENTS + 1];
  uint32_t stopped;
  for (uint32_t i = 0; i < CLIENTS; i++) {
    ids[i] = host->conns[i].id;
  }
  ids[CLIENTS] = 0; /* nobody */
  pattern_fill(piece, LEN, 2, 0);
  sea_outgoing_t what = {.data = piece, .len = LEN, .holder = (void *)"holder"};
  for (uint32_t n = 0; n < TIMES; n++) {
    assert_int_equal(sea_broadcast(host->server, ids, CLIENTS + 1, &what, &stopped), CLIENTS);
    assert_int_equal(stopped, CLIENTS + 1);
    sea_flush(host->server);
  }
  for (uint32_t i = 1; i < CLIENTS; i++) {
    for (uint32_t n = 0; n < TIMES; n++) {
      client_expect_pattern(fds[i], LEN, 2, 0);
    }
  }
  assert_true(host->released < TIMES); /* the first has not read yet */
  for (uint32_t n = 0; n < TIMES; n++) {
    client_expect_pattern(fds[0], LEN, 2, 0);
  }
  host_until(host, host->released == TIMES);
  end(host, fds, CLIENTS);
}

static void
a_broadcast_goes_as_far_as_the_command_ring(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  options.command_capacity = 16;
  int fds[40];
  host_t *host = start_with(&options, fds, 40);
  sea_conn_id_t ids[40];
  uint32_t next = 0;
  for (uint32_t i = 0; i < 40; i++) {
    ids[i] = host->conns[i].id;
  }
  pattern_fill(piece, 100, 2, 0);
  while (next < 40) {
    uint32_t stopped;
    uint32_t spaces = host->spaces;
    sea_outgoing_t what = {.data = piece, .len = 100};
    uint32_t taken = sea_broadcast(host->server, ids + next, 40 - next, &what, &stopped);
    assert_int_equal(taken, stopped);
    sea_flush(host->server);
    next += stopped;
    if (next < 40) {
      host_until(host, host->spaces > spaces);
    }
  }
  for (uint32_t i = 0; i < 40; i++) {
    client_expect_pattern(fds[i], 100, 2, 0);
  }
  end(host, fds, 40);
}

static void
a_stop_gives_everything_back(void **state)
{
  (void)state;
  enum { SENDS = 100 };
  sea_options_t options = default_options();
  int fds[2];
  host_t *host = start_with(&options, fds, 2);
  sea_conn_id_t ids[2] = {host->conns[0].id, host->conns[1].id};
  uint32_t stopped;
  pattern_fill(piece, sizeof piece, 2, 0);
  for (uint32_t i = 0; i < SENDS; i++) {
    sea_outgoing_t what = {.data = piece, .len = sizeof piece, .holder = (void *)"holder"};
    assert_int_equal(sea_broadcast(host->server, ids, 2, &what, &stopped), 2);
  }
  sea_stop(host->server);
  host_until(host, host->stopped && host->released == SENDS);
  close(fds[0]);
  close(fds[1]);
  host_stop(host);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_bytes_are_the_cores),
      cmocka_unit_test(a_full_queue_refuses_and_drains),
      cmocka_unit_test(of_many_all_are_taken_or_none),
      cmocka_unit_test(who_is_gone_takes_nothing),
      cmocka_unit_test(a_full_command_ring_refuses),
      cmocka_unit_test(the_last_one_closes),
      cmocka_unit_test(also_when_the_peer_has_ended_before),
      cmocka_unit_test(a_failed_send_is_an_error),
      cmocka_unit_test(a_broadcast_reaches_all_and_is_kept_for_the_slowest),
      cmocka_unit_test(a_broadcast_goes_as_far_as_the_command_ring),
      cmocka_unit_test(a_stop_gives_everything_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
