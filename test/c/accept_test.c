/* Accepting at the limits: of connections, of descriptors. */
#include <sys/resource.h>
#include <unistd.h>

#include "support.h"

#define FDS 200U

static void
connections_above_the_limit_are_refused(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  options.conns_max = 3;
  host_t *host = host_start(&options);
  host_echo(host);
  int fds[3];
  for (uint32_t i = 0; i < 3; i++) {
    fds[i] = client_connect(host->port);
  }
  host_until(host, host->opened == 3);
  for (uint32_t i = 0; i < 5; i++) {
    int fd = client_connect(host->port);
    client_expect_end(fd);
    close(fd);
  }
  host_until(host, host_info(host).connections_rejected == 5);
  assert_int_equal(host->opened, 3);
  assert_int_equal(host_info(host).connections_active, 3);
  close(fds[0]);
  host_until(host, host->closed == 1); /* makes room for one */
  fds[0] = client_connect(host->port);
  client_write_pattern(fds[0], 100, 1, 0);
  host_until(host, host->opened == 4 && host->received == 100);
  client_expect_pattern(fds[0], 100, 1, 0);
  for (uint32_t i = 0; i < 3; i++) {
    close(fds[i]);
  }
  host_drain(host);
  host_stop(host);
}

/* With this many descriptors at most, all of them taken except one for a client to come. */
static uint32_t
take_all_but_one(int *fds)
{
  uint32_t n = 0;
  while (n < FDS && (fds[n] = dup(STDERR_FILENO)) >= 0) {
    n++;
  }
  assert_true(n > 1 && n < FDS);
  close(fds[n - 1]);
  return n - 1;
}

/* A few passes for each attempt to accept, and nothing in between. */
static void
expect_no_spinning(host_t *host)
{
  host_until(host, host_info(host).accept_backoffs >= 1);
  sea_info_t first = host_info(host);
  host_until(host, host_info(host).accept_backoffs >= first.accept_backoffs + 3);
  sea_info_t last = host_info(host);
  assert_true(last.passes - first.passes <= 10 * (last.accept_backoffs - first.accept_backoffs));
}

static void
out_of_descriptors_it_backs_off_and_accepts_later(void **state)
{
  (void)state;
  struct rlimit before;
  int spare[FDS];
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  assert_int_equal(
      setrlimit(RLIMIT_NOFILE, &(struct rlimit){.rlim_cur = FDS, .rlim_max = before.rlim_max}), 0);
  sea_options_t options = default_options();
  host_t *host = host_start(&options);
  host_echo(host);
  int fds[2] = {client_connect(host->port)};
  host_until(host, host->opened == 1);
  uint32_t taken = take_all_but_one(spare);
  fds[1] = client_connect(host->port);
  expect_no_spinning(host);
  assert_int_equal(host->opened, 1);
  client_write_pattern(fds[0], 100, 1, 0); /* who is in is served meanwhile */
  host_until(host, host->received == 100);
  client_expect_pattern(fds[0], 100, 1, 0);
  while (taken > 0) {
    close(spare[--taken]);
  }
  client_write_pattern(fds[1], 100, 1, 0);
  host_until(host, host->opened == 2 && host->received == 200);
  client_expect_pattern(fds[1], 100, 1, 0);
  close(fds[0]);
  close(fds[1]);
  host_drain(host);
  host_stop(host);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* The descriptor of a connection that closes is used at once for one that waits. */
static void
a_closing_connection_makes_room_for_a_waiting_one(void **state)
{
  (void)state;
  struct rlimit before;
  int spare[FDS];
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  assert_int_equal(
      setrlimit(RLIMIT_NOFILE, &(struct rlimit){.rlim_cur = FDS, .rlim_max = before.rlim_max}), 0);
  sea_options_t options = default_options();
  host_t *host = host_start(&options);
  int fds[2] = {client_connect(host->port)};
  host_until(host, host->opened == 1);
  uint32_t taken = take_all_but_one(spare);
  fds[1] = client_connect(host->port);
  host_until(host, host_info(host).accept_backoffs >= 1);
  host_close(host, &host->conns[0], false);
  sea_flush(host->server);
  host_until(host, host->opened == 2);
  while (taken > 0) {
    close(spare[--taken]);
  }
  host_close(host, &host->conns[1], false);
  sea_flush(host->server);
  client_expect_end(fds[0]);
  client_expect_end(fds[1]);
  close(fds[0]);
  close(fds[1]);
  host_drain(host);
  host_stop(host);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(connections_above_the_limit_are_refused),
      cmocka_unit_test(out_of_descriptors_it_backs_off_and_accepts_later),
      cmocka_unit_test(a_closing_connection_makes_room_for_a_waiting_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
