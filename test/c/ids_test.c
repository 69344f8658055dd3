/* A connection's id means that connection and no other, also when its slot is used again. */
#include <unistd.h>

#include "support.h"

static void
command_everything(host_t *host, sea_conn_id_t id)
{
  assert_int_equal(sea_send(host->server, id, "stale", 5, true), 0);
  assert_int_equal(sea_pause(host->server, id), 0);
  assert_int_equal(sea_resume(host->server, id), 0);
  assert_int_equal(sea_shutdown(host->server, id), 0);
  assert_int_equal(sea_close(host->server, id, false), 0);
  assert_int_equal(sea_close(host->server, id, true), 0);
  sea_flush(host->server);
  assert_int_equal(sea_conn_queued(host->server, id), 0);
}

static void
ping(host_t *host, uint32_t i, int fd)
{
  uint64_t received = host->conns[i].received;
  client_write_pattern(fd, 10, 1, received);
  host_until(host, host->conns[i].received == received + 10);
  client_expect_pattern(fd, 10, 1, received);
}

/* Opens and closes connections until one has the slot of the first. */
static int
connect_into_first_slot(host_t *host)
{
  for (;;) {
    uint32_t i = host->opened;
    int fd = client_connect(host->port);
    host_until(host, host->opened == i + 1);
    if (sea_conn_id_slot(host->conns[i].id) == sea_conn_id_slot(host->conns[0].id)) {
      return fd;
    }
    host_close(host, &host->conns[i], false);
    sea_flush(host->server);
    host_until(host, host->conns[i].closed);
    close(fd);
  }
}

static void
a_stale_id_does_not_reach_the_slots_next_user(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  host_t *host = host_start(&options);
  host_echo(host);
  int fd = client_connect(host->port);
  host_until(host, host->opened == 1);
  sea_conn_id_t stale = host->conns[0].id;
  host_close(host, &host->conns[0], false);
  sea_flush(host->server);
  host_until(host, host->conns[0].closed);
  close(fd);
  fd = connect_into_first_slot(host);
  uint32_t i = host->opened - 1;
  assert_int_not_equal(host->conns[i].id, stale);
  for (int k = 0; k < 100; k++) {
    command_everything(host, stale);
    ping(host, i, fd);
  }
  assert_false(host->conns[i].shut || host->conns[i].closed);
  close(fd);
  host_drain(host);
  host_stop(host);
}

static void
ids_of_nobody_are_ignored(void **state)
{
  (void)state;
  const sea_conn_id_t ids[] = {
      0, 1, 77, (1ULL << 53) - 1, UINT64_MAX, 1ULL << SEA_SLOT_BITS | 300, 5ULL << SEA_SLOT_BITS};
  sea_options_t options = default_options();
  host_t *host = host_start(&options);
  host_echo(host);
  int fd = client_connect(host->port);
  host_until(host, host->opened == 1);
  for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
    command_everything(host, ids[i]);
    ping(host, 0, fd);
  }
  close(fd);
  host_drain(host);
  host_stop(host);
}

/* Commands that were on their way while the connection closed, and after. */
static void
commands_after_a_close_are_ignored(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  host_t *host = host_start(&options);
  host_echo(host);
  for (uint32_t i = 0; i < 500; i++) {
    int fd = client_connect(host->port);
    host_until(host, host->opened == i + 1);
    host_close(host, &host->conns[i], i % 2 == 0);
    command_everything(host, host->conns[i].id);
    host_until(host, host->conns[i].closed);
    assert_int_equal(host->conns[i].sents, 0);
    assert_false(host->conns[i].shut);
    close(fd);
  }
  host_drain(host);
  host_stop(host);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_stale_id_does_not_reach_the_slots_next_user),
      cmocka_unit_test(ids_of_nobody_are_ignored),
      cmocka_unit_test(commands_after_a_close_are_ignored),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
