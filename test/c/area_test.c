/* The area of zero-copy receive, against a kernel that is played: it counts references per buffer,
 * takes refill entries when it likes, and drops what it does not understand, as the real one does.
 */
#include "area.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#define BUFFER 4096U
#define BUFFERS 8U
#define ENTRIES_MAX 64U
#define TOKEN (5ULL << SEA_AREA_OFFSET_BITS)

typedef struct bench {
  sea_area_t area;
  char *memory;
  _Atomic uint32_t head;
  _Atomic uint32_t tail;
  sea_uapi_refill_t entries[ENTRIES_MAX];
  uint32_t entry_count;
  /* the kernel's */
  uint32_t refs[BUFFERS];
  uint32_t dropped;
} bench_t;

static bench_t *
bench_new(uint32_t entry_count, uint32_t start)
{
  bench_t *bench = calloc(1, sizeof *bench);
  bench->memory = calloc(BUFFERS, BUFFER);
  bench->entry_count = entry_count;
  atomic_init(&bench->head, start);
  atomic_init(&bench->tail, start);
  sea_area_setup_t setup = {.base = bench->memory,
                            .size = (uint64_t)BUFFERS * BUFFER,
                            .buffer_size = BUFFER,
                            .token = TOKEN,
                            .head = &bench->head,
                            .tail = &bench->tail,
                            .entries = bench->entries,
                            .entry_count = entry_count};
  assert_int_equal(sea__area_init(&bench->area, &setup), 0);
  return bench;
}

static void
bench_free(bench_t *bench)
{
  sea__area_deinit(&bench->area);
  free(bench->memory);
  free(bench);
}

/* The kernel completes a receive into this buffer, and we take it. */
static uint32_t
receive(bench_t *bench, uint32_t buffer, uint32_t at, uint32_t len)
{
  uint32_t offset;
  bench->refs[buffer]++;
  assert_true(sea__area_take(&bench->area, TOKEN + (uint64_t)buffer * BUFFER + at, len, &offset));
  assert_ptr_equal(sea__area_data(&bench->area, offset),
                   bench->memory + (size_t)buffer * BUFFER + at);
  return offset;
}

/* The kernel takes up to n entries; returns how many there were. */
static uint32_t
kernel_takes(bench_t *bench, uint32_t n)
{
  uint32_t head = atomic_load_explicit(&bench->head, memory_order_relaxed);
  uint32_t tail = atomic_load_explicit(&bench->tail, memory_order_acquire);
  uint32_t taken = 0;
  assert_true(tail - head <= bench->entry_count);
  for (; head != tail && taken < n; head++, taken++) {
    const sea_uapi_refill_t *entry = &bench->entries[head % bench->entry_count];
    uint64_t buffer = (entry->offset - TOKEN) / BUFFER;
    if (entry->pad != 0 || entry->offset < TOKEN || buffer >= BUFFERS || bench->refs[buffer] == 0) {
      bench->dropped++;
    } else {
      bench->refs[buffer]--;
    }
  }
  atomic_store_explicit(&bench->head, head, memory_order_release);
  return taken;
}

static uint32_t
kernel_lent(const bench_t *bench)
{
  uint32_t sum = 0;
  for (uint32_t i = 0; i < BUFFERS; i++) {
    sum += bench->refs[i];
  }
  return sum;
}

static void
what_was_received_is_readable_and_goes_back_with_the_token(void **state)
{
  (void)state;
  bench_t *bench = bench_new(16, 0);
  memcpy(bench->memory + 2 * BUFFER + 100, "hello", 5);
  uint32_t offset = receive(bench, 2, 100, 5);
  assert_memory_equal(sea__area_data(&bench->area, offset), "hello", 5);
  assert_int_equal(bench->area.lent, 1);
  assert_true(sea__area_give(&bench->area, offset));
  assert_int_equal(kernel_takes(bench, 16), 0); /* nothing is shown before publish */
  sea__area_publish(&bench->area);
  assert_true(bench->entries[0].offset == TOKEN + 2 * BUFFER);
  assert_int_equal(kernel_takes(bench, 16), 1);
  assert_int_equal(kernel_lent(bench), 0);
  assert_int_equal(bench->dropped, 0);
  assert_int_equal(bench->area.refills, 1);
  bench_free(bench);
}

static void
the_refill_ring_wraps_around_its_entries_and_its_32_bits(void **state)
{
  (void)state;
  bench_t *bench = bench_new(4, UINT32_MAX - 5);
  for (uint32_t i = 0; i < 50; i++) {
    for (uint32_t k = 0; k < 3; k++) {
      assert_true(sea__area_give(&bench->area, receive(bench, (i + k) % BUFFERS, k, 1)));
    }
    sea__area_publish(&bench->area);
    assert_int_equal(kernel_takes(bench, 4), 3);
    assert_int_equal(kernel_lent(bench), 0);
  }
  assert_int_equal(bench->dropped, 0);
  bench_free(bench);
}

static void
what_finds_no_room_in_the_refill_ring_goes_later(void **state)
{
  (void)state;
  bench_t *bench = bench_new(4, 0);
  for (uint32_t i = 0; i < 3 * BUFFERS; i++) {
    assert_true(sea__area_give(&bench->area, receive(bench, i % BUFFERS, i, 1)));
  }
  for (uint32_t i = 0; i < 10; i++) { /* a full ring is left alone, however often it is tried */
    sea__area_publish(&bench->area);
  }
  assert_int_equal(kernel_takes(bench, 100), 4);
  uint32_t taken = 4;
  for (uint32_t i = 0; i < 3 * BUFFERS; i++) {
    sea__area_publish(&bench->area);
    taken += kernel_takes(bench, 1 + i % 3);
  }
  assert_int_equal(taken, 3 * BUFFERS);
  assert_int_equal(kernel_lent(bench), 0);
  assert_int_equal(bench->dropped, 0);
  assert_int_equal(bench->area.queue_count, 0);
  bench_free(bench);
}

static void
pieces_of_one_buffer_come_back_one_by_one_in_any_order(void **state)
{
  (void)state;
  bench_t *bench = bench_new(16, 0);
  uint32_t a = receive(bench, 3, 0, 1000);
  uint32_t b = receive(bench, 3, 1000, 1000);
  uint32_t c = receive(bench, 3, 2000, 2096);
  assert_true(sea__area_give(&bench->area, b));
  sea__area_publish(&bench->area);
  assert_int_equal(kernel_takes(bench, 16), 1);
  assert_int_equal(bench->refs[3], 2);                 /* not free: two pieces are out */
  assert_true(sea__area_give(&bench->area, c + 2095)); /* any byte of the piece will do */
  assert_true(sea__area_give(&bench->area, a));
  sea__area_publish(&bench->area);
  assert_int_equal(kernel_takes(bench, 16), 2);
  assert_int_equal(bench->refs[3], 0);
  assert_int_equal(bench->dropped, 0);
  bench_free(bench);
}

static void
nothing_is_given_back_twice_or_without_having_been_lent(void **state)
{
  (void)state;
  bench_t *bench = bench_new(16, 0);
  uint32_t offset = receive(bench, 1, 0, 10);
  assert_false(sea__area_give(&bench->area, 2 * BUFFER));
  assert_false(sea__area_give(&bench->area, BUFFERS * BUFFER));
  assert_false(sea__area_give(&bench->area, UINT32_MAX));
  assert_true(sea__area_give(&bench->area, offset));
  assert_false(sea__area_give(&bench->area, offset));
  sea__area_publish(&bench->area);
  assert_int_equal(kernel_takes(bench, 16), 1);
  assert_int_equal(bench->dropped, 0);
  bench_free(bench);
}

static void
completions_that_name_no_piece_of_the_area_are_refused(void **state)
{
  (void)state;
  bench_t *bench = bench_new(16, 0);
  const uint64_t size = (uint64_t)BUFFERS * BUFFER;
  const struct {
    uint64_t where;
    uint32_t len;
  } wrong[] = {
      {TOKEN + size, 1},
      {TOKEN + size - 1, 2},
      {TOKEN + (1ULL << 40), 1},
      {TOKEN + BUFFER - 1, 2}, /* the kernel holds the second buffer for nobody */
      {TOKEN, BUFFER + 1},
      {TOKEN, UINT32_MAX},
      {TOKEN, 0},
      {(6ULL << SEA_AREA_OFFSET_BITS), 1},
      {0, 1},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    uint32_t offset;
    assert_false(sea__area_take(&bench->area, wrong[i].where, wrong[i].len, &offset));
  }
  assert_int_equal(bench->area.lent, 0);
  (void)receive(bench, BUFFERS - 1, 0, BUFFER); /* the last one, whole */
  bench_free(bench);
}

static void
a_ring_whose_head_makes_no_sense_is_not_written_to(void **state)
{
  (void)state;
  bench_t *bench = bench_new(4, 100);
  assert_true(sea__area_give(&bench->area, receive(bench, 0, 0, 1)));
  atomic_store(&bench->head, 101); /* ahead of the tail */
  sea__area_publish(&bench->area);
  assert_int_equal(atomic_load(&bench->tail), 100);
  atomic_store(&bench->head, 100);
  sea__area_publish(&bench->area);
  assert_int_equal(kernel_takes(bench, 4), 1);
  bench_free(bench);
}

static void
an_area_may_end_while_pieces_of_it_are_out(void **state)
{
  (void)state;
  bench_t *bench = bench_new(2, 0);
  uint32_t offset = receive(bench, 0, 0, 1);
  (void)receive(bench, 1, 0, 1);
  for (uint32_t i = 2; i < 6; i++) {
    assert_true(sea__area_give(&bench->area, receive(bench, i, 0, 1)));
  }
  sea__area_publish(&bench->area);
  uint32_t tail = atomic_load(&bench->tail);
  sea__area_deinit(&bench->area);
  assert_false(sea__area_give(&bench->area, offset));
  sea__area_publish(&bench->area);
  assert_int_equal(atomic_load(&bench->tail), tail);
  bench_free(bench);
}

static void
set_ups_that_make_no_sense_are_refused(void **state)
{
  (void)state;
  _Atomic uint32_t end = 0;
  const sea_area_setup_t good = {
      .size = 8192, .buffer_size = 4096, .head = &end, .tail = &end, .entry_count = 8};
  sea_area_setup_t bad[] = {good, good, good, good, good};
  bad[0].size = 0;
  bad[1].size = 6000;
  bad[2].buffer_size = 3000;
  bad[3].entry_count = 7;
  bad[4].size = 1ULL << 32;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    sea_area_t area;
    assert_int_equal(sea__area_init(&area, &bad[i]), -EINVAL);
  }
}

/* Anything in any order, until everything has been exhausted many times over. */
static void
no_reference_is_ever_lost(void **state)
{
  (void)state;
  enum { OUT = 64 };
  bench_t *bench = bench_new(8, UINT32_MAX - 1000);
  uint32_t out[OUT];
  uint32_t n = 0;
  uint32_t random = 1;
  for (uint32_t i = 0; i < 100000; i++) {
    random = random * 1664525U + 1013904223U;
    uint32_t pick = random >> 16;
    switch (pick % 4) {
    case 0:
      if (n < OUT) {
        out[n++] = receive(bench, pick / 4 % BUFFERS, pick % BUFFER, 1);
      }
      break;
    case 1:
      if (n > 0) {
        uint32_t at = pick / 4 % n;
        assert_true(sea__area_give(&bench->area, out[at]));
        out[at] = out[--n];
      }
      break;
    case 2:
      sea__area_publish(&bench->area);
      break;
    default:
      (void)kernel_takes(bench, pick / 4 % 4);
      break;
    }
  }
  while (n > 0) {
    assert_true(sea__area_give(&bench->area, out[--n]));
  }
  while (kernel_lent(bench) > 0) {
    sea__area_publish(&bench->area);
    assert_true(kernel_takes(bench, 3) > 0);
  }
  assert_int_equal(bench->dropped, 0);
  assert_int_equal(bench->area.lent, 0);
  bench_free(bench);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_was_received_is_readable_and_goes_back_with_the_token),
      cmocka_unit_test(the_refill_ring_wraps_around_its_entries_and_its_32_bits),
      cmocka_unit_test(what_finds_no_room_in_the_refill_ring_goes_later),
      cmocka_unit_test(pieces_of_one_buffer_come_back_one_by_one_in_any_order),
      cmocka_unit_test(nothing_is_given_back_twice_or_without_having_been_lent),
      cmocka_unit_test(completions_that_name_no_piece_of_the_area_are_refused),
      cmocka_unit_test(a_ring_whose_head_makes_no_sense_is_not_written_to),
      cmocka_unit_test(an_area_may_end_while_pieces_of_it_are_out),
      cmocka_unit_test(set_ups_that_make_no_sense_are_refused),
      cmocka_unit_test(no_reference_is_ever_lost),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
