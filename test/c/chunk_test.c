/* Send queues: gathering, and the pool their nodes come from. */
#include "chunk.h"

#include <string.h>

#include "support.h"

#define PARTS 8

static const char bytes[] = "abcdefghijklmnopqrstuvwxyz";

/* A queue of `n` chunks over `bytes`, the i-th of lens[i] bytes; `last` is a bit per chunk. */
static void
fill(sea_chunk_queue_t *queue, sea_chunk_t *chunks, const size_t *lens, size_t n, unsigned last)
{
  const char *data = bytes;
  *queue = (sea_chunk_queue_t){0};
  for (size_t i = 0; i < n; i++) {
    chunks[i] = (sea_chunk_t){.data = data, .len = lens[i], .last = (last >> i & 1U) != 0};
    sea__chunk_append(queue, &chunks[i]);
    data += lens[i];
  }
}

static void
expect_parts(const struct iovec *parts, int n, const char *const *expected, int expected_n)
{
  assert_int_equal(n, expected_n);
  for (int i = 0; i < n; i++) {
    assert_int_equal(parts[i].iov_len, strlen(expected[i]));
    assert_memory_equal(parts[i].iov_base, expected[i], parts[i].iov_len);
  }
}

static void
gathers_in_order_and_skips_what_was_sent(void **state)
{
  (void)state;
  sea_chunk_queue_t queue;
  sea_chunk_t chunks[3];
  struct iovec parts[PARTS];
  fill(&queue, chunks, (size_t[]){3, 4, 5}, 3, 0);
  expect_parts(parts, sea__chunk_gather(&queue, 0, 100, parts, PARTS),
               (const char *[]){"abc", "defg", "hijkl"}, 3);
  expect_parts(parts, sea__chunk_gather(&queue, 2, 100, parts, PARTS),
               (const char *[]){"c", "defg", "hijkl"}, 3);
}

static void
gathers_no_more_than_asked_for(void **state)
{
  (void)state;
  sea_chunk_queue_t queue;
  sea_chunk_t chunks[3];
  struct iovec parts[PARTS];
  fill(&queue, chunks, (size_t[]){3, 4, 5}, 3, 0);
  expect_parts(parts, sea__chunk_gather(&queue, 0, 5, parts, PARTS), (const char *[]){"abc", "de"},
               2);
  expect_parts(parts, sea__chunk_gather(&queue, 1, 6, parts, PARTS), (const char *[]){"bc", "defg"},
               2);
  expect_parts(parts, sea__chunk_gather(&queue, 1, 1, parts, PARTS), (const char *[]){"b"}, 1);
  expect_parts(parts, sea__chunk_gather(&queue, 0, 100, parts, 2), (const char *[]){"abc", "defg"},
               2);
}

static void
stops_after_the_chunk_that_is_waited_for(void **state)
{
  (void)state;
  sea_chunk_queue_t queue;
  sea_chunk_t chunks[4];
  struct iovec parts[PARTS];
  fill(&queue, chunks, (size_t[]){3, 4, 5, 6}, 4, 1U << 1 | 1U << 3);
  expect_parts(parts, sea__chunk_gather(&queue, 1, 100, parts, PARTS),
               (const char *[]){"bc", "defg"}, 2);
  assert_ptr_equal(sea__chunk_shift(&queue), &chunks[0]);
  assert_ptr_equal(sea__chunk_shift(&queue), &chunks[1]);
  expect_parts(parts, sea__chunk_gather(&queue, 0, 100, parts, PARTS),
               (const char *[]){"hijkl", "mnopqr"}, 2);
  assert_ptr_equal(sea__chunk_shift(&queue), &chunks[2]);
  assert_ptr_equal(sea__chunk_shift(&queue), &chunks[3]);
  assert_null(queue.head);
  assert_null(queue.tail);
  assert_int_equal(sea__chunk_gather(&queue, 0, 100, parts, PARTS), 0);
}

static void
the_pool_grows_and_reuses(void **state)
{
  (void)state;
  enum { CHUNKS = 5000 };
  static sea_chunk_t *chunks[CHUNKS];
  sea_chunk_pool_t pool;
  assert_int_equal(sea__chunk_pool_init(&pool), 0);
  for (uint32_t i = 0; i < CHUNKS; i++) {
    chunks[i] = sea__chunk_acquire(&pool);
    assert_non_null(chunks[i]);
    *chunks[i] = (sea_chunk_t){.len = i};
  }
  for (uint32_t i = 0; i < CHUNKS; i++) {
    assert_int_equal(chunks[i]->len, i); /* no two are the same */
  }
  for (uint32_t i = 0; i < CHUNKS; i++) {
    sea__chunk_release(&pool, chunks[i]);
  }
  const void *blocks = pool.blocks;
  for (uint32_t i = 0; i < CHUNKS; i++) {
    assert_non_null(sea__chunk_acquire(&pool));
  }
  assert_ptr_equal(pool.blocks, blocks);
  sea__chunk_pool_deinit(&pool);
}

static void
scatter_lists_grow_with_those_in_flight_and_come_back(void **state)
{
  (void)state;
  enum { MANY = 1000 };
  sea_chunk_pool_t pool;
  sea_gather_t *taken[MANY];
  assert_int_equal(sea__chunk_pool_init(&pool), 0);
  for (int i = 0; i < MANY; i++) {
    taken[i] = sea__gather_acquire(&pool);
    assert_non_null(taken[i]);
  }
  for (int i = 0; i < MANY; i++) {
    sea__gather_release(&pool, taken[i]);
  }
  const void *blocks = pool.blocks;
  for (int i = 0; i < MANY; i++) {
    assert_non_null(sea__gather_acquire(&pool));
  }
  assert_ptr_equal(pool.blocks, blocks);
  sea__chunk_pool_deinit(&pool);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gathers_in_order_and_skips_what_was_sent),
      cmocka_unit_test(gathers_no_more_than_asked_for),
      cmocka_unit_test(stops_after_the_chunk_that_is_waited_for),
      cmocka_unit_test(the_pool_grows_and_reuses),
      cmocka_unit_test(scatter_lists_grow_with_those_in_flight_and_come_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
