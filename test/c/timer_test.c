/* The wheel of idle deadlines. */
#include "timer.h"

#include "support.h"

#define ENTRIES 500

typedef struct alarm_entry {
  sea_list_t node;
  uint64_t deadline_ms;
  bool fired;
} alarm_entry_t;

static uint32_t
collect(sea_timer_t *timer, uint64_t now_ms, uint64_t slack_ms)
{
  sea_list_t due;
  uint32_t n = 0;
  sea__timer_advance(timer, now_ms, &due);
  while (!sea__list_empty(&due)) {
    alarm_entry_t *entry = sea_container_of(sea__list_shift(&due), alarm_entry_t, node);
    assert_false(entry->fired);
    entry->fired = true;
    assert_true(now_ms >= entry->deadline_ms);
    assert_true(now_ms <= entry->deadline_ms + slack_ms);
    n++;
  }
  return n;
}

/* Looks at the clock every `step_ms`, once around the wheel and more. */
static void
fire_all(uint32_t span_ms, uint64_t start_ms, uint32_t step_ms)
{
  static alarm_entry_t entries[ENTRIES];
  sea_timer_t timer;
  uint32_t random = 7;
  uint32_t fired = 0;
  sea__timer_init(&timer, span_ms, start_ms);
  assert_int_equal(sea__timer_wait_ms(&timer, start_ms), -1);
  uint64_t now_ms = start_ms;
  for (uint32_t added = 0; fired < ENTRIES; now_ms += step_ms) {
    fired += collect(&timer, now_ms, timer.tick_ms + step_ms);
    for (uint32_t k = 0; k < 3 && added < ENTRIES; k++, added++) {
      entries[added] = (alarm_entry_t){.deadline_ms = now_ms +
                                                      next_random(&random) % (span_ms + 1)};
      sea__list_init(&entries[added].node);
      sea__timer_add(&timer, &entries[added].node, entries[added].deadline_ms);
    }
    assert_int_equal(timer.entries, added - fired);
    assert_true(now_ms < start_ms + (uint64_t)ENTRIES * step_ms + 2ULL * span_ms + 1000);
  }
  assert_int_equal(sea__timer_wait_ms(&timer, now_ms), -1);
}

static void
deadlines_are_met_at_most_a_tick_late(void **state)
{
  (void)state;
  fire_all(10, 0, 1);
  fire_all(1000, 123456789, 1);
  fire_all(1000, 3, 17);
  fire_all(60000, 1ULL << 40, 100);
  fire_all(4000000000U, 99, 1000000);
}

static void
a_long_stall_makes_everything_due_once(void **state)
{
  (void)state;
  alarm_entry_t entries[100];
  sea_timer_t timer;
  sea__timer_init(&timer, 1000, 5000);
  for (uint32_t i = 0; i < 100; i++) {
    entries[i] = (alarm_entry_t){.deadline_ms = 5000 + i * 10};
    sea__timer_add(&timer, &entries[i].node, entries[i].deadline_ms);
  }
  assert_int_equal(collect(&timer, 5000 + 3600000, UINT32_MAX), 100);
  assert_int_equal(timer.entries, 0);
  /* The wheel is where the clock is, and goes on from there. */
  uint64_t now_ms = 5000 + 3600000;
  entries[0] = (alarm_entry_t){.deadline_ms = now_ms + 500};
  sea__timer_add(&timer, &entries[0].node, entries[0].deadline_ms);
  assert_int_equal(collect(&timer, now_ms + 499, 0), 0);
  assert_int_equal(collect(&timer, now_ms + 500 + timer.tick_ms, timer.tick_ms), 1);
}

static void
a_deadline_that_has_passed_is_due_at_the_next_tick(void **state)
{
  (void)state;
  alarm_entry_t entry = {.deadline_ms = 100};
  sea_timer_t timer;
  sea__timer_init(&timer, 1000, 50000);
  sea__timer_add(&timer, &entry.node, entry.deadline_ms);
  assert_int_equal(collect(&timer, 50000, UINT32_MAX), 0);
  assert_int_equal(collect(&timer, 50000 + timer.tick_ms, UINT32_MAX), 1);
}

static void
a_removed_entry_does_not_fire(void **state)
{
  (void)state;
  alarm_entry_t entries[2] = {{.deadline_ms = 100}, {.deadline_ms = 100}};
  sea_timer_t timer;
  sea__timer_init(&timer, 1000, 0);
  sea__timer_add(&timer, &entries[0].node, 100);
  sea__timer_add(&timer, &entries[1].node, 100);
  sea__timer_remove(&timer, &entries[0].node);
  sea__timer_remove(&timer, &entries[0].node);
  assert_int_equal(timer.entries, 1);
  assert_int_equal(collect(&timer, 200, 200), 1);
  assert_true(entries[1].fired);
}

static void
the_wait_ends_with_the_tick(void **state)
{
  (void)state;
  alarm_entry_t entry = {.deadline_ms = 1000};
  sea_timer_t timer;
  sea__timer_init(&timer, 1000, 0);
  sea__timer_add(&timer, &entry.node, entry.deadline_ms);
  uint64_t now_ms = 0;
  while (collect(&timer, now_ms, timer.tick_ms) == 0) {
    int64_t wait = sea__timer_wait_ms(&timer, now_ms);
    assert_in_range(wait, 1, timer.tick_ms);
    now_ms += (uint64_t)wait;
  }
  assert_true(now_ms >= entry.deadline_ms);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(deadlines_are_met_at_most_a_tick_late),
      cmocka_unit_test(a_long_stall_makes_everything_due_once),
      cmocka_unit_test(a_deadline_that_has_passed_is_due_at_the_next_tick),
      cmocka_unit_test(a_removed_entry_does_not_fire),
      cmocka_unit_test(the_wait_ends_with_the_tick),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
