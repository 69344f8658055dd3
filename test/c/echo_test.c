/* What goes in comes out: whole, in order, however short the server is of everything. */
#include "support.h"

static void
echo(const sea_options_t *options, uint32_t conns, uint64_t bytes, uint32_t write_max)
{
  host_t *host = host_start(options);
  host_echo(host);
  traffic_t traffic = {.port = host->port, .conns = conns, .bytes = bytes, .write_max = write_max};
  traffic_start(&traffic);
  host_until(host, traffic.done);
  traffic_join(&traffic);
  host_drain(host);
  sea_info_t info = host_info(host);
  assert_int_equal(info.connections_accepted, conns);
  assert_int_equal(info.bytes_received, conns * bytes);
  assert_int_equal(info.bytes_sent, conns * bytes);
  host_stop(host);
}

static void
echoes_with_default_rings(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  echo(&options, 64, 1U << 20, 65536);
}

static void
echoes_with_tiny_rings_and_one_buffer(void **state)
{
  (void)state;
  sea_options_t options = tiny_options();
  echo(&options, 32, 64U << 10, 4096);
}

static void
echoes_small_messages(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  echo(&options, 16, 100000, 100);
}

static void
echoes_with_fewer_buffers_than_connections(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  options.buffer_count = 4;
  options.buffer_size = 512;
  echo(&options, 100, 64U << 10, 16384);
}

static void
echoes_with_a_tiny_command_ring(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  options.command_capacity = 16;
  options.buffer_size = 128;
  host_t *host = host_start(&options);
  host_echo(host);
  traffic_t traffic = {.port = host->port, .conns = 16, .bytes = 512U << 10, .write_max = 65536};
  traffic_start(&traffic);
  host_until(host, traffic.done);
  traffic_join(&traffic);
  host_drain(host);
  assert_true(host_info(host).command_refusals > 0);
  host_stop(host);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(echoes_with_default_rings),
      cmocka_unit_test(echoes_with_tiny_rings_and_one_buffer),
      cmocka_unit_test(echoes_small_messages),
      cmocka_unit_test(echoes_with_fewer_buffers_than_connections),
      cmocka_unit_test(echoes_with_a_tiny_command_ring),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
