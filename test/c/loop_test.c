/* The questions the driver asks a loop, without a worker. */
#include "loop.h"

#include "support.h"

static void
consumed_events_are_work_before_a_sleep(void **state)
{
  (void)state;
  static sea_loop_t loop;
  sea_options_t options = tiny_options();
  assert_int_equal(sea__loop_init(&loop, &options), 0);
  loop.wake_armed = true;
  assert_false(sea__loop_has_work(&loop));
  *sea__events_push(&loop.events) = (sea_event_t){.kind = SEA_EVENT_CLOSED};
  sea__events_publish(&loop.events);
  assert_false(sea__loop_has_work(&loop)); /* it is the host's turn */
  sea__events_consume(&loop.events, 1);
  assert_true(sea__loop_has_work(&loop)); /* the slot is to be taken back */
  assert_non_null(sea__events_reclaim(&loop.events));
  assert_false(sea__loop_has_work(&loop));
  sea__loop_deinit(&loop);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(consumed_events_are_work_before_a_sleep),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
