/* The intrusive list. */
#include "support.h"

#include "list.h"

static void
nodes_know_whether_they_are_in_a_list(void **state)
{
  (void)state;
  sea_list_t head;
  sea_list_t node;
  sea__list_init(&head);
  sea__list_init(&node);
  assert_true(sea__list_empty(&head));
  assert_true(sea__list_empty(&node));
  sea__list_append(&head, &node);
  assert_false(sea__list_empty(&head));
  assert_false(sea__list_empty(&node));
  sea__list_remove(&node);
  assert_true(sea__list_empty(&head));
  assert_true(sea__list_empty(&node));
  sea__list_remove(&node); /* harmless when it is in none */
  assert_true(sea__list_empty(&node));
}

static void
shifts_in_the_order_of_appending(void **state)
{
  (void)state;
  sea_list_t head;
  sea_list_t nodes[5];
  sea__list_init(&head);
  for (size_t i = 0; i < 5; i++) {
    sea__list_append(&head, &nodes[i]);
  }
  sea__list_remove(&nodes[0]);
  sea__list_remove(&nodes[2]);
  sea__list_remove(&nodes[4]);
  assert_ptr_equal(sea__list_shift(&head), &nodes[1]);
  sea__list_append(&head, &nodes[0]);
  assert_ptr_equal(sea__list_shift(&head), &nodes[3]);
  assert_ptr_equal(sea__list_shift(&head), &nodes[0]);
  assert_true(sea__list_empty(&head));
}

static void
takes_all_members_of_another(void **state)
{
  (void)state;
  sea_list_t from;
  sea_list_t to;
  sea_list_t nodes[3];
  sea__list_init(&from);
  sea__list_take(&from, &to);
  assert_true(sea__list_empty(&to));
  for (size_t n = 1; n <= 3; n++) {
    for (size_t i = 0; i < n; i++) {
      sea__list_append(&from, &nodes[i]);
    }
    sea__list_take(&from, &to);
    assert_true(sea__list_empty(&from));
    for (size_t i = 0; i < n; i++) {
      assert_ptr_equal(sea__list_shift(&to), &nodes[i]);
    }
    assert_true(sea__list_empty(&to));
  }
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nodes_know_whether_they_are_in_a_list),
      cmocka_unit_test(shifts_in_the_order_of_appending),
      cmocka_unit_test(takes_all_members_of_another),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
