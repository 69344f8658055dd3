/* Waking a worker that sleeps: never in vain, never missed. */
#include "wake.h"

#include <poll.h>
#include <semaphore.h>
#include <unistd.h>

#include "commands.h"
#include "support.h"

#define RECORDS 1000000U
#define ROUNDS 50000U

static bool
readable(int fd)
{
  struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
  return poll(&poll_fd, 1, 0) == 1;
}

static void
writes_only_to_a_sleeper_with_the_same_reason(void **state)
{
  (void)state;
  sea_wake_t wake;
  assert_int_equal(sea__wake_init(&wake), 0);
  sea__wake_rouse(&wake, SEA_SLEEP_COMMANDS);
  assert_false(readable(wake.ring_fd));
  sea__wake_announce(&wake, SEA_SLEEP_COMMANDS);
  sea__wake_rouse(&wake, SEA_SLEEP_SPACE);
  assert_false(readable(wake.ring_fd));
  sea__wake_rouse(&wake, SEA_SLEEP_COMMANDS | SEA_SLEEP_SPACE);
  assert_true(readable(wake.ring_fd));
  assert_false(readable(wake.stall_fd));
  assert_int_equal(wake.wakeups, 1);
  sea__wake_rouse(&wake, SEA_SLEEP_COMMANDS); /* it is being woken already */
  assert_int_equal(wake.wakeups, 1);
  sea__wake_announce(&wake, SEA_SLEEP_COMMANDS);
  sea__wake_clear(&wake);
  sea__wake_rouse(&wake, SEA_SLEEP_COMMANDS);
  assert_int_equal(wake.wakeups, 1);
  sea__wake_deinit(&wake);
}

static void
a_stalled_sleeper_is_woken_outside_the_ring(void **state)
{
  (void)state;
  sea_wake_t wake;
  assert_int_equal(sea__wake_init(&wake), 0);
  sea__wake_announce(&wake, SEA_SLEEP_STALL | SEA_SLEEP_SPACE);
  sea__wake_rouse(&wake, SEA_SLEEP_COMMANDS);
  assert_false(readable(wake.stall_fd));
  sea__wake_rouse(&wake, SEA_SLEEP_SPACE);
  assert_false(readable(wake.ring_fd));
  assert_true(readable(wake.stall_fd));
  sea__wake_stall(&wake);
  assert_false(readable(wake.stall_fd)); /* one rousing, one awakening */
  sea__wake_deinit(&wake);
}

typedef struct exchange {
  sea_commands_t commands;
  sea_wake_t wake;
  sem_t answer;
  uint32_t records;
  uint32_t reasons;
  bool answer_each;
} exchange_t;

/* Sleeps as the worker does, with a plain read of the eventfd in the ring's stead. */
static void
sleep_until_roused(exchange_t *exchange)
{
  uint64_t count;
  sea__wake_announce(&exchange->wake, exchange->reasons);
  if (!sea__commands_pending(&exchange->commands) && !exchange->commands.starved) {
    if (exchange->reasons & SEA_SLEEP_STALL) {
      sea__wake_stall(&exchange->wake);
    } else {
      client_must(read(exchange->wake.ring_fd, &count, sizeof count) == sizeof count);
    }
  }
  sea__wake_clear(&exchange->wake);
}

static void *
work(void *arg)
{
  exchange_t *exchange = arg;
  for (uint32_t taken = 0; taken < exchange->records;) {
    sea_command_t command;
    while (sea__commands_take(&exchange->commands, &command)) {
      client_must(command.slot == taken);
      taken++;
      if (exchange->answer_each) {
        sem_post(&exchange->answer);
      }
    }
    if (sea__commands_relieved(&exchange->commands)) {
      sem_post(&exchange->answer);
    }
    if (taken < exchange->records) {
      sleep_until_roused(exchange);
    }
  }
  return NULL;
}

static void
run_exchange(exchange_t *exchange)
{
  pthread_t worker;
  assert_int_equal(sea__commands_init(&exchange->commands, 16), 0);
  assert_int_equal(sea__wake_init(&exchange->wake), 0);
  assert_int_equal(sem_init(&exchange->answer, 0, 0), 0);
  assert_int_equal(pthread_create(&worker, NULL, work, exchange), 0);
  uint32_t random = 5;
  for (uint32_t i = 0; i < exchange->records;) {
    sea_command_t command = {.op = SEA_COMMAND_PAUSE, .slot = i};
    bool taken = sea__commands_push(&exchange->commands, &command) == 0;
    i += taken;
    if (!taken || exchange->answer_each || i == exchange->records ||
        next_random(&random) % 8 == 0) {
      sea__wake_rouse(&exchange->wake, exchange->reasons);
    }
    if (!taken || exchange->answer_each) {
      sem_wait(&exchange->answer);
    }
  }
  join(worker);
  sem_destroy(&exchange->answer);
  sea__wake_deinit(&exchange->wake);
  sea__commands_deinit(&exchange->commands);
}

/* Both sides sleep whenever they can: one that is not woken ends in the test's time limit. */
static void
neither_side_oversleeps_a_full_or_an_empty_ring(void **state)
{
  (void)state;
  static exchange_t exchange = {.records = RECORDS, .reasons = SEA_SLEEP_COMMANDS};
  run_exchange(&exchange);
}

static void
every_single_command_ends_the_sleep(void **state)
{
  (void)state;
  static exchange_t in_ring = {
      .records = ROUNDS, .reasons = SEA_SLEEP_COMMANDS, .answer_each = true};
  run_exchange(&in_ring);
  static exchange_t stalled = {.records = ROUNDS, .answer_each = true};
  stalled.reasons = SEA_SLEEP_STALL | SEA_SLEEP_SPACE;
  run_exchange(&stalled);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(writes_only_to_a_sleeper_with_the_same_reason),
      cmocka_unit_test(a_stalled_sleeper_is_woken_outside_the_ring),
      cmocka_unit_test(neither_side_oversleeps_a_full_or_an_empty_ring),
      cmocka_unit_test(every_single_command_ends_the_sleep),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
