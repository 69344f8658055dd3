/* Zero-copy receive on the real kernel: which ring a server gets, and what it says. */
#include "zcrx.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "loop.h"
#include "support.h"

static void
on_events(void *arg)
{
  (void)arg;
}

/* Passes with a real ring, until there is an event of this kind. */
static void
run_until(sea_loop_t *loop, sea_event_kind_t kind)
{
  for (int i = 0; i < 1000; i++) {
    (void)sea__loop_prepare(loop);
    sea__ring_enter(&loop->ring, true, 10);
    sea__loop_reap(loop);
    while (sea__events_pending(&loop->events) > 0) {
      const sea_event_t *event = sea__events_at(&loop->events, 0);
      if (event->kind == kind) {
        return;
      }
      sea__events_consume(&loop->events, 1);
    }
  }
  fail_msg("no event of kind %d", kind);
}

static void
the_kernel_writes_wide_completions_and_refuses_what_has_no_queue(void **state)
{
  (void)state;
  static sea_loop_t loop;
  sea_options_t options = default_options();
  options.on_events = on_events;
  int pair[2];
  assert_int_equal(sea__loop_init(&loop, &options), 0);
  assert_int_equal(sea__ring_init_wide(&loop.ring, 8, false, &loop.stats), 0);
  assert_true((loop.ring.flags & IORING_SETUP_CQE32) != 0);
  assert_int_equal(sea__bufring_init(&loop.buffers, &loop.ring, 4, 64, SEA_FILL_WHOLE), 0);
  assert_int_equal(sea__ring_enable(&loop.ring), 0);
  sea__timer_init(&loop.timer, 0, 0);
  sea__timer_init(&loop.farewells, SEA_FAREWELL_MS, 0);
  loop.zcrx.state = SEA_PATH_ON; /* so it says, and the kernel knows better */
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  sea__conn_open(&loop, pair[0]);
  for (uint32_t i = 0; i < 500; i++) { /* more than the completion queue has places */
    uint32_t number = i * 2654435761U;
    assert_int_equal(write(pair[1], &number, sizeof number), sizeof number);
    run_until(&loop, SEA_EVENT_DATA);
    const sea_event_t *event = sea__events_at(&loop.events, 0);
    assert_int_equal(event->result, sizeof number);
    assert_memory_equal(sea__loop_data(&loop, event), &number, sizeof number);
    sea__events_consume(&loop.events, 1);
  }
  assert_int_equal(sea__stat_get(&loop.stats.zcrx_copies), 1);
  assert_int_equal(sea__stat_get(&loop.stats.zcrx_packets), 0);
  close(pair[1]);
  run_until(&loop, SEA_EVENT_END);
  sea__conn_close(&loop, sea__slab_find(&loop.slab, 0, 1), SEA_CLOSE_ASKED, false);
  run_until(&loop, SEA_EVENT_CLOSED);
  loop.ring.in_flight = 0; /* the read of the eventfd goes with the ring */
  sea__loop_ring_deinit(&loop);
  sea__loop_deinit(&loop);
}

static void
a_server_that_gets_no_queue_says_why_and_has_a_ring_like_any_other(void **state)
{
  (void)state;
  static sea_loop_t loop;
  const struct {
    const char *name;
    int32_t error;
  } cases[] = {{"lo", geteuid() == 0 ? -EOPNOTSUPP : -EPERM}, {"no such nic", -ENODEV}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    sea_options_t options = default_options();
    options.on_events = on_events;
    options.zcrx = true;
    strcpy(options.zcrx_interface, cases[i].name);
    assert_int_equal(sea__loop_init(&loop, &options), 0);
    assert_int_equal(sea__loop_ring_init(&loop), 0);
    /* Kernels before 6.15 do not know the call. */
    assert_true(loop.zcrx.state == cases[i].error || loop.zcrx.state == -EINVAL);
    assert_int_equal(loop.ring.flags & IORING_SETUP_CQE32, 0);
    assert_null(loop.zcrx.memory);
    sea__loop_ring_deinit(&loop);
    sea__loop_deinit(&loop);
  }
}

static void
options_that_make_no_sense_are_refused(void **state)
{
  (void)state;
  sea_options_t good = default_options();
  good.on_events = on_events;
  good.zcrx = true;
  strcpy(good.zcrx_interface, "lo");
  sea_options_t bad[] = {good, good, good, good, good, good, good, good};
  bad[0].zcrx_interface[0] = '\0';
  memset(bad[1].zcrx_interface, 'x', sizeof bad[1].zcrx_interface);
  bad[2].zcrx_area_size = 4096;
  bad[3].zcrx_buffer_size = 5000;
  bad[4].zcrx_buffer_size = 2048;
  for (size_t i = 5; i < sizeof bad / sizeof *bad; i++) {
    bad[i].zcrx_no_device = true;
    bad[i].zcrx_interface[0] = '\0';
  }
  strcpy(bad[5].zcrx_interface, "lo");
  bad[6].zcrx_rx_queue = 1;
  bad[7].zcrx_buffer_size = 4096;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    sea_server_t *server;
    assert_int_equal(sea_server_create(&bad[i], &server), -EINVAL);
  }
}

static void
a_queue_without_a_device_takes_linux_7_1_and_privileges(void **state)
{
  (void)state;
  static sea_loop_t loop;
  sea_options_t options = default_options();
  options.on_events = on_events;
  options.zcrx = true;
  options.zcrx_no_device = true;
  options.zcrx_area_size = 1U << 20;
  assert_int_equal(sea__loop_init(&loop, &options), 0);
  assert_int_equal(sea__loop_ring_init(&loop), 0);
  bool on = loop.zcrx.state == SEA_PATH_ON;
  assert_true(on || loop.zcrx.state == -EINVAL || (loop.zcrx.state == -EPERM && geteuid() != 0));
  assert_int_equal((loop.ring.flags & IORING_SETUP_CQE32) != 0, on);
  assert_int_equal(loop.zcrx.flushes, on);
  assert_int_equal(loop.zcrx.area.count, on ? (1U << 20) / (uint32_t)sysconf(_SC_PAGESIZE) : 0);
  sea__loop_ring_deinit(&loop);
  sea__loop_deinit(&loop);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_kernel_writes_wide_completions_and_refuses_what_has_no_queue),
      cmocka_unit_test(a_server_that_gets_no_queue_says_why_and_has_a_ring_like_any_other),
      cmocka_unit_test(a_queue_without_a_device_takes_linux_7_1_and_privileges),
      cmocka_unit_test(options_that_make_no_sense_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
