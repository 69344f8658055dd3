/* Payloads: held by whoever sends them, home again when the last has let go. */
#include "payload.h"

#include <string.h>

#include "support.h"

static uint32_t released;

static void
on_release(void *arg, void *holder)
{
  assert_ptr_equal(arg, &released);
  assert_ptr_equal(holder, "holder");
  released++;
}

static void
init(sea_payloads_t *payloads)
{
  released = 0;
  sea__payloads_init(payloads, on_release, &released);
}

static void
copies_and_uses_its_memory_again(void **state)
{
  (void)state;
  sea_payloads_t payloads;
  char bytes[] = "hello";
  init(&payloads);
  sea_payload_t *first = sea__payload_make(&payloads, bytes, 5, NULL);
  bytes[0] = 'j';
  assert_int_equal(first->len, 5);
  assert_memory_equal(first->data, "hello", 5);
  sea__payload_done(&payloads, first);
  assert_false(sea__payloads_waiting(&payloads));
  sea__payloads_publish(&payloads);
  assert_true(sea__payloads_waiting(&payloads));
  sea_payload_t *second = sea__payload_make(&payloads, bytes, 5, NULL);
  assert_ptr_equal(first, second);
  assert_memory_equal(second->data, "jello", 5);
  sea__payload_drop(&payloads, second);
  sea__payloads_deinit(&payloads);
}

static void
is_held_until_the_last_lets_go(void **state)
{
  (void)state;
  sea_payloads_t payloads;
  init(&payloads);
  sea_payload_t *payload = sea__payload_make(&payloads, "bytes", 5, (void *)"holder");
  sea__payload_hold(payload);
  sea__payload_hold(payload);
  sea__payload_done(&payloads, payload);
  sea__payload_drop(&payloads, payload);
  sea__payloads_publish(&payloads);
  sea__payloads_collect(&payloads);
  assert_int_equal(released, 0);
  sea__payload_done(&payloads, payload);
  sea__payloads_publish(&payloads);
  assert_int_equal(released, 0); /* the host's thread does it */
  sea__payloads_collect(&payloads);
  assert_int_equal(released, 1);
  sea__payloads_deinit(&payloads);
  assert_int_equal(released, 1);
}

static void
gives_holders_back_at_the_end(void **state)
{
  (void)state;
  sea_payloads_t payloads;
  init(&payloads);
  sea_payload_t *home = sea__payload_make(&payloads, "bytes", 5, (void *)"holder");
  sea__payload_make(&payloads, "bytes", 5, (void *)"holder");
  sea__payload_done(&payloads, home);
  sea__payloads_publish(&payloads);
  sea__payloads_deinit(&payloads);
  assert_int_equal(released, 2);
}

static void
any_size_keeps_its_bytes(void **state)
{
  (void)state;
  static const size_t sizes[] = {0, 1, 192, 193, 2048, 2049, 16384, 16385, 1U << 20};
  static char bytes[1U << 20];
  sea_payload_t *made[sizeof sizes / sizeof *sizes];
  sea_payloads_t payloads;
  init(&payloads);
  for (uint32_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    pattern_fill(bytes, sizes[i], i + 1, 0);
    made[i] = sea__payload_make(&payloads, bytes, sizes[i], NULL);
  }
  for (uint32_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    assert_int_equal(made[i]->len, sizes[i]);
    assert_true(pattern_matches(made[i]->data, sizes[i], i + 1, 0));
    sea__payload_drop(&payloads, made[i]);
  }
  sea__payloads_deinit(&payloads);
}

/* The way home, with a worker that finishes while the host makes more. */

#define ROUNDS 200000U
#define RING 64U

typedef struct shuttle {
  sea_payloads_t payloads;
  _Atomic(sea_payload_t *) ring[RING];
} shuttle_t;

static void *
finish_all(void *arg)
{
  shuttle_t *shuttle = arg;
  for (uint32_t i = 0; i < ROUNDS; i++) {
    sea_payload_t *payload;
    while ((payload = atomic_exchange(&shuttle->ring[i % RING], NULL)) == NULL) {
      sea__payloads_publish(&shuttle->payloads);
    }
    client_must(pattern_matches(payload->data, payload->len, 1 + i % 1000, 0));
    sea__payload_done(&shuttle->payloads, payload);
    if (i % 7 == 0) {
      sea__payloads_publish(&shuttle->payloads);
    }
  }
  sea__payloads_publish(&shuttle->payloads);
  return NULL;
}

static void
none_is_lost_between_threads(void **state)
{
  (void)state;
  static shuttle_t shuttle;
  pthread_t worker;
  char bytes[64];
  init(&shuttle.payloads);
  assert_int_equal(pthread_create(&worker, NULL, finish_all, &shuttle), 0);
  for (uint32_t i = 0; i < ROUNDS; i++) {
    pattern_fill(bytes, sizeof bytes, 1 + i % 1000, 0);
    bool kept = i % 16 == 0;
    sea_payload_t *payload = sea__payload_make(&shuttle.payloads, bytes, sizeof bytes, NULL);
    if (kept) {
      payload->holder = (void *)"holder";
    }
    sea_payload_t *empty = NULL;
    while (!atomic_compare_exchange_weak(&shuttle.ring[i % RING], &empty, payload)) {
      empty = NULL;
      sea__payloads_collect(&shuttle.payloads);
    }
  }
  join(worker);
  sea__payloads_collect(&shuttle.payloads);
  assert_int_equal(released, ROUNDS / 16);
  sea__payloads_deinit(&shuttle.payloads);
  assert_int_equal(released, ROUNDS / 16);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(copies_and_uses_its_memory_again),
      cmocka_unit_test(is_held_until_the_last_lets_go),
      cmocka_unit_test(gives_holders_back_at_the_end),
      cmocka_unit_test(any_size_keeps_its_bytes),
      cmocka_unit_test(none_is_lost_between_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
