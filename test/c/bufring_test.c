/* The provided buffer ring, with a real ring and a real socket. */
#include "bufring.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "compat.h"
#include "support.h"

typedef struct bench {
  sea_stats_t stats;
  sea_ring_t ring;
  sea_bufring_t buffers;
  int pair[2];
  uint32_t offset; /* of what was received last */
} bench_t;

static int
bench_try(bench_t *bench, uint32_t count, uint32_t size, sea_filling_t filling)
{
  *bench = (bench_t){.pair = {-1, -1}};
  assert_int_equal(sea__ring_init(&bench->ring, 8, false, true, &bench->stats), 0);
  int error = sea__bufring_init(&bench->buffers, &bench->ring, count, size, filling);
  if (error == 0) {
    assert_int_equal(sea__ring_enable(&bench->ring), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, bench->pair), 0);
  }
  return error;
}

static void
bench_init(bench_t *bench, uint32_t count, uint32_t size)
{
  assert_int_equal(bench_try(bench, count, size, SEA_FILL_WHOLE), 0);
}

/* False on a kernel from before 6.`minor`, which has refused this way of filling buffers. */
static bool
bench_init_since(int minor, bench_t *bench, uint32_t count, uint32_t size, sea_filling_t filling)
{
  int error = bench_try(bench, count, size, filling);
  assert_since(error, 6, minor);
  if (error != 0) {
    assert_int_equal(error, -EINVAL);
    sea__ring_deinit(&bench->ring);
  }
  return error == 0;
}

static void
bench_deinit(bench_t *bench)
{
  close(bench->pair[0]);
  close(bench->pair[1]);
  sea__bufring_unregister(&bench->ring);
  sea__ring_deinit(&bench->ring);
  sea__bufring_deinit(&bench->buffers);
}

/* Receives once into a buffer of the kernel's choice: its byte count or -errno, and its id. */
static int
receive(bench_t *bench, uint16_t *id)
{
  struct io_uring_cqe *cqe;
  struct io_uring_sqe *sqe = sea__ring_sqe(&bench->ring);
  io_uring_prep_recv(sqe, bench->pair[1], NULL, 0, 0);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = SEA_BUFFER_GROUP;
  sea__ring_start(&bench->ring, sqe, sea__ring_tag(SEA_OP_RECV, 1));
  sea__ring_enter(&bench->ring, true, -1);
  assert_true(sea__ring_has_completions(&bench->ring));
  assert_int_equal(io_uring_peek_cqe(&bench->ring.uring, &cqe), 0);
  assert_int_equal(sea__ring_tag_op(cqe->user_data), SEA_OP_RECV);
  assert_int_equal(sea__ring_tag_id(cqe->user_data), 1);
  int result = cqe->res;
  if (cqe->flags & IORING_CQE_F_BUFFER) {
    *id = (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
    bool more = (cqe->flags & SEA_IORING_CQE_F_BUF_MORE) != 0;
    bench->offset = sea__bufring_take(&bench->buffers, *id, (uint32_t)result, more);
  }
  io_uring_cqe_seen(&bench->ring.uring, cqe);
  return result;
}

static void
write_number(const bench_t *bench, uint32_t number)
{
  assert_int_equal(send(bench->pair[0], &number, sizeof number, 0), sizeof number);
}

static void
count_is_rounded_up_and_all_are_with_the_kernel(void **state)
{
  (void)state;
  bench_t bench;
  bench_init(&bench, 5, 64);
  assert_int_equal(bench.buffers.count, 8);
  assert_int_equal(bench.buffers.provided, 8);
  assert_int_equal(bench.buffers.added, 0);
  bench_deinit(&bench);
}

static void
runs_dry_and_goes_on_with_what_comes_back(void **state)
{
  (void)state;
  bench_t bench;
  uint16_t ids[4];
  bench_init(&bench, 4, 64);
  for (uint32_t i = 0; i < 4; i++) {
    write_number(&bench, i);
    assert_int_equal(receive(&bench, &ids[i]), sizeof i);
  }
  assert_int_equal(bench.buffers.provided, 0);
  write_number(&bench, 4);
  assert_int_equal(receive(&bench, &ids[0]), -ENOBUFS);
  for (uint32_t i = 0; i < 4; i++) { /* each has its own bytes still */
    assert_memory_equal(sea__bufring_data(&bench.buffers, ids[i]), &i, sizeof i);
  }
  uint16_t id = UINT16_MAX;
  sea__bufring_recycle(&bench.buffers, ids[2]);
  assert_int_equal(receive(&bench, &id), -ENOBUFS); /* not shown to the kernel yet */
  sea__bufring_publish(&bench.buffers);
  assert_int_equal(bench.buffers.provided, 1);
  assert_int_equal(receive(&bench, &id), sizeof(uint32_t));
  assert_int_equal(id, ids[2]);
  assert_memory_equal(sea__bufring_data(&bench.buffers, id), &(uint32_t){4}, sizeof(uint32_t));
  bench_deinit(&bench);
}

static void
goes_round_more_often_than_its_indices(void **state)
{
  (void)state;
  bench_t bench;
  uint16_t id = 0;
  bench_init(&bench, 2, 64);
  for (uint32_t i = 0; i < 70000; i++) {
    write_number(&bench, i);
    assert_int_equal(receive(&bench, &id), sizeof i);
    assert_memory_equal(sea__bufring_data(&bench.buffers, id), &i, sizeof i);
    sea__bufring_recycle(&bench.buffers, id);
    sea__bufring_publish(&bench.buffers);
  }
  assert_int_equal(bench.buffers.provided, 2);
  bench_deinit(&bench);
}

static void
stays_readable_after_the_ring_is_gone(void **state)
{
  (void)state;
  bench_t bench;
  uint16_t id = 0;
  bench_init(&bench, 1, 64);
  write_number(&bench, 99);
  assert_int_equal(receive(&bench, &id), sizeof(uint32_t));
  sea__bufring_unregister(&bench.ring);
  sea__ring_deinit(&bench.ring);
  assert_memory_equal(sea__bufring_data(&bench.buffers, id), &(uint32_t){99}, sizeof(uint32_t));
  sea__bufring_deinit(&bench.buffers);
  close(bench.pair[0]);
  close(bench.pair[1]);
}

static void
an_incremental_buffer_is_shared_and_comes_back_when_all_parts_have(void **state)
{
  (void)state;
  bench_t bench;
  uint16_t id = UINT16_MAX;
  if (!bench_init_since(12, &bench, 1, 3 * sizeof(uint32_t), SEA_FILL_INCREMENTAL)) {
    return;
  }
  for (uint32_t i = 0; i < 3; i++) {
    write_number(&bench, i);
    assert_int_equal(receive(&bench, &id), sizeof i);
    assert_int_equal(id, 0);
    assert_int_equal(bench.offset, i * sizeof i);
    const char *part = sea__bufring_data(&bench.buffers, id) + bench.offset;
    assert_memory_equal(part, &i, sizeof i);
  }
  assert_int_equal(bench.buffers.provided, 0);
  write_number(&bench, 3);
  for (int i = 0; i < 3; i++) {
    sea__bufring_publish(&bench.buffers);
    assert_int_equal(bench.buffers.provided, 0);
    assert_int_equal(receive(&bench, &id), -ENOBUFS);
    sea__bufring_recycle(&bench.buffers, id);
  }
  sea__bufring_publish(&bench.buffers);
  assert_int_equal(bench.buffers.provided, 1);
  assert_int_equal(receive(&bench, &id), sizeof(uint32_t));
  assert_int_equal(bench.offset, 0);
  bench_deinit(&bench);
}

static void
a_bundle_goes_on_in_the_order_in_which_buffers_were_given(void **state)
{
  (void)state;
  bench_t bench;
  uint16_t ids[4];
  if (!bench_init_since(10, &bench, 4, 64, SEA_FILL_BUNDLES)) {
    return;
  }
  for (uint32_t i = 0; i < 4; i++) {
    write_number(&bench, i);
    assert_int_equal(receive(&bench, &ids[i]), sizeof i);
  }
  const uint16_t order[] = {ids[2], ids[0], ids[3], ids[1]};
  for (int i = 0; i < 4; i++) {
    sea__bufring_recycle(&bench.buffers, order[i]);
  }
  for (int i = 0; i < 3; i++) {
    assert_int_equal(sea__bufring_next(&bench.buffers, order[i]), order[i + 1]);
  }
  bench_deinit(&bench);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(count_is_rounded_up_and_all_are_with_the_kernel),
      cmocka_unit_test(runs_dry_and_goes_on_with_what_comes_back),
      cmocka_unit_test(goes_round_more_often_than_its_indices),
      cmocka_unit_test(stays_readable_after_the_ring_is_gone),
      cmocka_unit_test(an_incremental_buffer_is_shared_and_comes_back_when_all_parts_have),
      cmocka_unit_test(a_bundle_goes_on_in_the_order_in_which_buffers_were_given),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
