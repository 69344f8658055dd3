/* The echo in the worker: whole, in order, and a peer that does not read costs only itself. */
#include <sys/socket.h>
#include <unistd.h>

#include "support.h"

#define SLOW 8U
#define FLOOD (16U << 20)

static host_t *
start(sea_options_t options)
{
  options.echo = true;
  return host_start(&options);
}

static void
finish(host_t *host, uint64_t bytes)
{
  host_until(host, host_info(host).connections_active == 0);
  assert_int_equal(host_info(host).bytes_received, bytes);
  assert_int_equal(host_info(host).bytes_sent, bytes);
  host_stop_quiet(host);
}

static void
echo(sea_options_t options, uint32_t conns, uint64_t bytes, uint32_t write_max)
{
  host_t *host = start(options);
  traffic_t traffic = {.port = host->port, .conns = conns, .bytes = bytes, .write_max = write_max};
  traffic_start(&traffic);
  host_until(host, traffic.done);
  traffic_join(&traffic);
  finish(host, conns * bytes);
}

static void
echoes_with_default_buffers(void **state)
{
  (void)state;
  echo(default_options(), 64, 1U << 20, 65536);
}

static void
echoes_with_one_buffer(void **state)
{
  (void)state;
  echo(tiny_options(), 32, 64U << 10, 4096);
}

static void
echoes_with_fewer_buffers_than_connections(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  options.buffer_count = 4;
  options.buffer_size = 512;
  echo(options, 100, 64U << 10, 16384);
}

/* Sends without reading until the server takes no more. The bytes that went. */
static uint64_t
stuff(host_t *host, int fd, uint32_t seed)
{
  static char piece[65536];
  uint64_t sent = 0;
  uint64_t received;
  do {
    received = host_info(host).bytes_received;
    for (;;) {
      pattern_fill(piece, sizeof piece, seed, sent);
      ssize_t n = send(fd, piece, sizeof piece, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n <= 0) {
        break;
      }
      sent += (uint64_t)n;
    }
    for (uint32_t i = 0; i < 20; i++) {
      host_turn(host);
    }
  } while (host_info(host).bytes_received != received && sent < FLOOD);
  return sent;
}

static void
peers_that_do_not_read_cost_only_themselves(void **state)
{
  (void)state;
  int slow[SLOW];
  uint64_t sent[SLOW];
  uint64_t total = 0;
  sea_options_t options = default_options();
  options.buffer_count = 4;
  options.buffer_size = 4096;
  host_t *host = start(options);
  for (uint32_t i = 0; i < SLOW; i++) {
    slow[i] = client_connect(host->port);
    sent[i] = stuff(host, slow[i], i + 1);
    total += sent[i];
  }
  sea_info_t info = host_info(host);
  assert_int_equal(info.buffers_in_use, 0);
  assert_true(info.bytes_received < total); /* the rest waits in the peers' sockets */

  traffic_t traffic = {.port = host->port, .conns = 4, .bytes = 1U << 20, .write_max = 4096};
  traffic_start(&traffic);
  host_until(host, traffic.done);
  traffic_join(&traffic);
  total += (4U << 20);

  for (uint32_t i = 0; i < SLOW; i++) {
    shutdown(slow[i], SHUT_WR);
    client_expect_pattern(slow[i], sent[i], i + 1, 0);
    client_expect_end(slow[i]);
    close(slow[i]);
  }
  finish(host, total);
}

static void
answers_fin_with_fin(void **state)
{
  (void)state;
  host_t *host = start(default_options());
  int fd = client_connect(host->port);
  client_write_pattern(fd, 100000, 3, 0);
  shutdown(fd, SHUT_WR);
  client_expect_pattern(fd, 100000, 3, 0);
  client_expect_end(fd);
  close(fd);
  fd = client_connect(host->port);
  shutdown(fd, SHUT_WR); /* with nothing before it */
  client_expect_end(fd);
  close(fd);
  finish(host, 100000);
}

static void
survives_resets_and_a_stop_with_bytes_on_the_way(void **state)
{
  (void)state;
  int fds[SLOW];
  sea_options_t options = default_options();
  options.buffer_count = 8;
  host_t *host = start(options);
  for (uint32_t i = 0; i < SLOW; i++) {
    fds[i] = client_connect(host->port);
    stuff(host, fds[i], i + 1);
  }
  for (uint32_t i = 0; i < SLOW / 2; i++) {
    client_reset(fds[i]);
  }
  host_until(host, host_info(host).connections_active == SLOW - SLOW / 2);
  host_stop_quiet(host);
  for (uint32_t i = SLOW / 2; i < SLOW; i++) {
    close(fds[i]);
  }
}

static void
closes_who_is_idle(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  options.idle_ms = 50;
  host_t *host = start(options);
  int fd = client_connect(host->port);
  client_expect_end(fd);
  close(fd);
  finish(host, 0);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(echoes_with_default_buffers),
      cmocka_unit_test(echoes_with_one_buffer),
      cmocka_unit_test(echoes_with_fewer_buffers_than_connections),
      cmocka_unit_test(peers_that_do_not_read_cost_only_themselves),
      cmocka_unit_test(answers_fin_with_fin),
      cmocka_unit_test(survives_resets_and_a_stop_with_bytes_on_the_way),
      cmocka_unit_test(closes_who_is_idle),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
