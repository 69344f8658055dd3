/* The command ring, alone. */
#include "commands.h"

#include <errno.h>
#include <sched.h>
#include <semaphore.h>

#include "support.h"

#define RECORDS 2000000U

static sea_command_t
numbered(uint32_t number)
{
  return (sea_command_t){
      .op = SEA_COMMAND_SEND,
      .last = number % 3 == 0,
      .slot = number,
      .generation = ~number,
      .data = (const void *)(uintptr_t)(number + 1),
      .len = number * 2U,
  };
}

static bool
is_number(const sea_command_t *command, uint32_t number)
{
  sea_command_t expected = numbered(number);
  return command->op == expected.op && command->last == expected.last &&
         command->slot == expected.slot && command->generation == expected.generation &&
         command->data == expected.data && command->len == expected.len;
}

static int
push(sea_commands_t *commands, uint32_t number)
{
  sea_command_t command = numbered(number);
  return sea__commands_push(commands, &command);
}

static void
refuses_when_full_and_says_when_there_is_room(void **state)
{
  (void)state;
  sea_commands_t commands;
  sea_command_t command;
  assert_int_equal(sea__commands_init(&commands, 16), 0);
  assert_false(sea__commands_take(&commands, &command));
  for (uint32_t i = 0; i < 16; i++) {
    assert_int_equal(push(&commands, i), 0);
  }
  assert_false(sea__commands_relieved(&commands));
  assert_int_equal(push(&commands, 16), -EAGAIN);
  assert_int_equal(commands.refusals, 1);
  assert_true(sea__commands_pending(&commands));
  for (uint32_t i = 0; i < 16; i++) {
    assert_true(sea__commands_take(&commands, &command));
    assert_true(is_number(&command, i));
  }
  assert_false(sea__commands_pending(&commands));
  assert_true(sea__commands_relieved(&commands));
  assert_false(sea__commands_relieved(&commands)); /* once per refusal */
  assert_int_equal(push(&commands, 17), 0);
  sea__commands_deinit(&commands);
}

static void
room_is_for_all_or_for_none(void **state)
{
  (void)state;
  sea_commands_t commands;
  sea_command_t command;
  assert_int_equal(sea__commands_init(&commands, 16), 0);
  assert_true(sea__commands_room(&commands, 16));
  assert_false(sea__commands_room(&commands, 17));
  assert_int_equal(push(&commands, 0), 0);
  assert_false(sea__commands_room(&commands, 16));
  assert_true(sea__commands_room(&commands, 15));
  assert_true(sea__commands_take(&commands, &command));
  assert_true(sea__commands_room(&commands, 16));
  sea__commands_deinit(&commands);
}

static void
goes_on_when_the_indices_wrap(void **state)
{
  (void)state;
  sea_commands_t commands;
  sea_command_t command;
  assert_int_equal(sea__commands_init(&commands, 10), 0);
  commands.tail = commands.head = commands.head_seen = UINT32_MAX - 7;
  for (uint32_t i = 0; i < 64; i += 16) {
    for (uint32_t k = 0; k < 16; k++) {
      assert_int_equal(push(&commands, i + k), 0);
    }
    assert_int_equal(push(&commands, 0), -EAGAIN);
    for (uint32_t k = 0; k < 16; k++) {
      assert_true(sea__commands_take(&commands, &command));
      assert_true(is_number(&command, i + k));
    }
  }
  sea__commands_deinit(&commands);
}

typedef struct exchange {
  sea_commands_t commands;
  sem_t space; /* what a COMMAND_SPACE event is to a host */
} exchange_t;

static void *
consume(void *arg)
{
  exchange_t *exchange = arg;
  uint32_t random = 3;
  uintptr_t wrong = 0;
  for (uint32_t taken = 0; taken < RECORDS;) {
    sea_command_t command;
    uint32_t most = 1 + next_random(&random) % 24;
    uint32_t n = 0;
    for (; n < most && sea__commands_take(&exchange->commands, &command); n++) {
      wrong += !is_number(&command, taken++);
    }
    if (sea__commands_relieved(&exchange->commands)) {
      sem_post(&exchange->space);
    }
    if (n == 0) {
      sched_yield();
    }
  }
  return (void *)wrong;
}

/* The host sleeps whenever it is refused: a note that got lost would leave it asleep for ever. */
static void
every_refusal_is_followed_by_relief(void **state)
{
  (void)state;
  static exchange_t exchange;
  pthread_t consumer;
  assert_int_equal(sea__commands_init(&exchange.commands, 16), 0);
  assert_int_equal(sem_init(&exchange.space, 0, 0), 0);
  assert_int_equal(pthread_create(&consumer, NULL, consume, &exchange), 0);
  uint32_t sleeps = 0;
  for (uint32_t i = 0; i < RECORDS;) {
    if (push(&exchange.commands, i) == 0) {
      i++;
    } else {
      sem_wait(&exchange.space);
      sleeps++;
    }
  }
  void *wrong;
  pthread_join(consumer, &wrong);
  assert_null(wrong);
  assert_true(sleeps > 0);
  assert_int_equal(exchange.commands.refusals, sleeps);
  sem_destroy(&exchange.space);
  sea__commands_deinit(&exchange.commands);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(refuses_when_full_and_says_when_there_is_room),
      cmocka_unit_test(room_is_for_all_or_for_none),
      cmocka_unit_test(goes_on_when_the_indices_wrap),
      cmocka_unit_test(every_refusal_is_followed_by_relief),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
