/* The event ring, alone. */
#include <sched.h>

#include "events.h"
#include "support.h"

#define RECORDS 2000000U

static void
push(sea_events_t *events, uint32_t number)
{
  *sea__events_push(events) = (sea_event_t){
      .kind = SEA_EVENT_DATA,
      .buffer_id = (uint16_t)number,
      .slot = number,
      .generation = ~number,
      .result = (int32_t)(number / 2),
  };
}

static bool
is_number(const sea_event_t *event, uint32_t number)
{
  return event->kind == SEA_EVENT_DATA && event->buffer_id == (uint16_t)number &&
         event->slot == number && event->generation == ~number &&
         event->result == (int32_t)(number / 2);
}

static void
capacity_is_rounded_up_to_a_power_of_two(void **state)
{
  (void)state;
  sea_events_t events;
  assert_int_equal(sea__events_init(&events, 17), 0);
  assert_int_equal(sea__events_room(&events), 32);
  sea__events_deinit(&events);
}

static void
shows_nothing_before_publish(void **state)
{
  (void)state;
  sea_events_t events;
  assert_int_equal(sea__events_init(&events, 16), 0);
  assert_false(sea__events_unpublished(&events));
  push(&events, 7);
  assert_true(sea__events_unpublished(&events));
  assert_int_equal(sea__events_pending(&events), 0);
  assert_int_equal(sea__events_room(&events), 15);
  sea__events_publish(&events);
  assert_false(sea__events_unpublished(&events));
  assert_int_equal(sea__events_pending(&events), 1);
  assert_true(is_number(sea__events_at(&events, 0), 7));
  sea__events_deinit(&events);
}

static void
room_comes_back_with_reclaiming_not_with_consuming(void **state)
{
  (void)state;
  sea_events_t events;
  assert_int_equal(sea__events_init(&events, 16), 0);
  for (uint32_t i = 0; i < 16; i++) {
    push(&events, i);
  }
  sea__events_publish(&events);
  assert_int_equal(sea__events_room(&events), 0);
  assert_false(sea__events_reclaimable(&events));
  assert_null(sea__events_reclaim(&events));
  sea__events_consume(&events, 3);
  assert_int_equal(sea__events_pending(&events), 13);
  assert_true(is_number(sea__events_at(&events, 0), 3));
  assert_int_equal(sea__events_room(&events), 0);
  for (uint32_t i = 0; i < 3; i++) {
    assert_true(is_number(sea__events_reclaim(&events), i));
  }
  assert_null(sea__events_reclaim(&events));
  assert_int_equal(sea__events_room(&events), 3);
  sea__events_deinit(&events);
}

static void
goes_on_when_the_indices_wrap(void **state)
{
  (void)state;
  sea_events_t events;
  assert_int_equal(sea__events_init(&events, 16), 0);
  uint32_t start = UINT32_MAX - 20;
  events.next = events.reclaimed = start;
  events.tail = events.head = start;
  for (uint32_t i = 0; i < 100; i += 5) {
    for (uint32_t k = 0; k < 5; k++) {
      push(&events, i + k);
    }
    sea__events_publish(&events);
    assert_int_equal(sea__events_pending(&events), 5);
    for (uint32_t k = 0; k < 5; k++) {
      assert_true(is_number(sea__events_at(&events, k), i + k));
    }
    sea__events_consume(&events, 5);
    for (uint32_t k = 0; k < 5; k++) {
      assert_true(is_number(sea__events_reclaim(&events), i + k));
    }
    assert_int_equal(sea__events_room(&events), 16);
  }
  sea__events_deinit(&events);
}

/* Pushes and publishes in groups of random size, and counts what it reclaims out of order. */
static void *
produce(void *arg)
{
  sea_events_t *events = arg;
  uint32_t random = 1;
  uint32_t reclaimed = 0;
  uintptr_t wrong = 0;
  for (uint32_t sent = 0; reclaimed < RECORDS;) {
    const sea_event_t *event;
    while ((event = sea__events_reclaim(events)) != NULL) {
      wrong += !is_number(event, reclaimed++);
    }
    uint32_t group = 1 + next_random(&random) % 16;
    for (; group > 0 && sent < RECORDS && sea__events_room(events) > 0; group--) {
      push(events, sent++);
    }
    if (sea__events_unpublished(events)) {
      sea__events_publish(events);
    } else {
      sched_yield();
    }
  }
  return (void *)wrong;
}

static void
two_threads_exchange_every_record_in_order(void **state)
{
  (void)state;
  sea_events_t events;
  pthread_t producer;
  assert_int_equal(sea__events_init(&events, 16), 0);
  assert_int_equal(pthread_create(&producer, NULL, produce, &events), 0);
  uint32_t random = 2;
  uint32_t wrong = 0;
  for (uint32_t taken = 0; taken < RECORDS;) {
    uint32_t pending = sea__events_pending(&events);
    assert_true(pending <= 16);
    if (pending == 0) {
      sched_yield();
      continue;
    }
    uint32_t n = 1 + next_random(&random) % pending;
    for (uint32_t i = 0; i < n; i++) {
      wrong += !is_number(sea__events_at(&events, i), taken + i);
    }
    sea__events_consume(&events, n);
    taken += n;
  }
  void *wrong_there;
  pthread_join(producer, &wrong_there);
  assert_int_equal(wrong, 0);
  assert_null(wrong_there);
  sea__events_deinit(&events);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(capacity_is_rounded_up_to_a_power_of_two),
      cmocka_unit_test(shows_nothing_before_publish),
      cmocka_unit_test(room_comes_back_with_reclaiming_not_with_consuming),
      cmocka_unit_test(goes_on_when_the_indices_wrap),
      cmocka_unit_test(two_threads_exchange_every_record_in_order),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
