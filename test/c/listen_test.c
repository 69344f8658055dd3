/* Options, listening, addresses, and the errors a user meets there. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "support.h"

static sea_listen_t
ipv4(const char *ip, uint16_t port)
{
  sea_listen_t spec = {.address_len = sizeof(struct sockaddr_in), .backlog = 16};
  struct sockaddr_in *address = (struct sockaddr_in *)&spec.address;
  address->sin_family = AF_INET;
  address->sin_port = htons(port);
  assert_int_equal(inet_pton(AF_INET, ip, &address->sin_addr), 1);
  return spec;
}

static void
expect_error(const sea_listen_t *spec, int error, const char *syscall)
{
  sea_options_t options = default_options();
  host_t *host = host_create(&options);
  const char *failed = NULL;
  struct sockaddr_storage address;
  assert_int_equal(sea_server_listen(host->server, spec, &failed), error);
  assert_string_equal(failed, syscall);
  assert_int_equal(sea_server_address(host->server, &address), -ENOTCONN);
  host_listen(host); /* it can try again elsewhere */
  host_stop(host);
}

static void
errors_name_the_call_that_failed(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  host_t *other = host_start(&options);
  sea_listen_t spec = ipv4("127.0.0.1", other->port);
  expect_error(&spec, -EADDRINUSE, "bind");
  host_stop(other);
  spec = ipv4("192.0.2.1", 0); /* of a block that is nobody's */
  expect_error(&spec, -EADDRNOTAVAIL, "bind");
  spec = ipv4("127.0.0.1", 0);
  spec.address_len = 2;
  expect_error(&spec, -EINVAL, "bind");
  spec.address.ss_family = AF_MAX;
  expect_error(&spec, -EAFNOSUPPORT, "socket");
  spec = ipv4("127.0.0.1", 0);
  spec.keep_alive = true;
  spec.keep_alive_s = 1U << 30;
  expect_error(&spec, -EINVAL, "setsockopt");
}

static void
a_server_listens_once(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  host_t *host = host_start(&options);
  sea_listen_t spec = ipv4("127.0.0.1", 0);
  const char *syscall;
  assert_int_equal(sea_server_listen(host->server, &spec, &syscall), -EALREADY);
  assert_string_equal(syscall, "listen");
  host_stop(host);
}

static void
two_servers_share_a_port_when_both_ask_for_it(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  host_t *first = host_create(&options);
  host_t *second = host_create(&options);
  sea_listen_t spec = ipv4("127.0.0.1", 0);
  const char *syscall;
  spec.reuse_port = true;
  assert_int_equal(sea_server_listen(first->server, &spec, &syscall), 0);
  assert_int_equal(sea_server_address(first->server, &spec.address), 0);
  assert_int_equal(sea_server_listen(second->server, &spec, &syscall), 0);
  host_destroy(second);
  host_destroy(first);
}

static void
no_doorbell(void *arg)
{
  (void)arg;
}

static void
options_out_of_range_are_refused(void **state)
{
  (void)state;
  sea_server_t *server;
  sea_options_t good = default_options();
  assert_int_equal(sea_server_create(&good, &server), -EINVAL); /* no doorbell */
  good.on_events = no_doorbell;
  const struct {
    size_t field;
    uint32_t bad;
  } cases[] = {
      {offsetof(sea_options_t, queue_depth), 7},
      {offsetof(sea_options_t, queue_depth), 32769},
      {offsetof(sea_options_t, buffer_count), 0},
      {offsetof(sea_options_t, buffer_count), 32769},
      {offsetof(sea_options_t, buffer_size), 63},
      {offsetof(sea_options_t, buffer_size), (1U << 20) + 1},
      {offsetof(sea_options_t, command_capacity), 15},
      {offsetof(sea_options_t, command_capacity), (1U << 24) + 1},
      {offsetof(sea_options_t, event_capacity), 15},
      {offsetof(sea_options_t, event_capacity), (1U << 24) + 1},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    sea_options_t options = good;
    memcpy((char *)&options + cases[i].field, &cases[i].bad, sizeof cases[i].bad);
    assert_int_equal(sea_server_create(&options, &server), -EINVAL);
    assert_null(server);
  }
}

static uint16_t
port_of(const struct sockaddr_storage *address)
{
  return ntohs(((const struct sockaddr_in *)address)->sin_port);
}

static void
a_connection_knows_its_addresses_and_takes_options(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  host_t *host = host_start(&options);
  int fd = client_connect(host->port);
  host_until(host, host->opened == 1);
  host_conn_t *conn = &host->conns[0];
  struct sockaddr_storage own;
  struct sockaddr_storage address;
  socklen_t len = sizeof own;
  assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &len), 0);
  assert_int_equal(sea_conn_peer(host->server, conn->id, &address), 0);
  assert_int_equal(port_of(&address), port_of(&own));
  assert_int_equal(sea_conn_local(host->server, conn->id, &address), 0);
  assert_int_equal(port_of(&address), host->port);
  assert_int_equal(sea_conn_no_delay(host->server, conn->id, false), 0);
  assert_int_equal(sea_conn_keep_alive(host->server, conn->id, true, 60), 0);
  assert_int_equal(sea_conn_keep_alive(host->server, conn->id, false, 0), 0);
  host_close(host, conn, false);
  sea_flush(host->server);
  host_until(host, conn->closed);
  assert_int_equal(sea_conn_peer(host->server, conn->id, &address), -ENOTCONN);
  assert_int_equal(sea_conn_local(host->server, conn->id, &address), -ENOTCONN);
  assert_int_equal(sea_conn_no_delay(host->server, conn->id, true), -ENOTCONN);
  assert_int_equal(sea_conn_keep_alive(host->server, conn->id, true, 60), -ENOTCONN);
  assert_int_equal(sea_conn_queued(host->server, conn->id), 0);
  close(fd);
  host_drain(host);
  host_stop(host);
}

static void
info_tells_what_the_ring_runs_with(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  options.queue_depth = 100;
  options.buffer_count = 100;
  options.buffer_size = 1000;
  host_t *host = host_start(&options);
  sea_info_t info = host_info(host);
  assert_int_equal(info.sq_entries, 128);
  assert_true(info.cq_entries > info.sq_entries);
  assert_int_equal(info.buffer_count, 128);
  assert_int_equal(info.buffer_size, 1000);
  host_stop(host);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(errors_name_the_call_that_failed),
      cmocka_unit_test(a_server_listens_once),
      cmocka_unit_test(two_servers_share_a_port_when_both_ask_for_it),
      cmocka_unit_test(options_out_of_range_are_refused),
      cmocka_unit_test(a_connection_knows_its_addresses_and_takes_options),
      cmocka_unit_test(info_tells_what_the_ring_runs_with),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
