/* The connection table: generations, stale ids, growth. */
#include "slab.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support.h"

static sea_conn_id_t
id_of(const sea_conn_t *conn)
{
  return (sea_conn_id_t)conn->generation << SEA_SLOT_BITS | conn->slot;
}

static sea_conn_t *
find(const sea_slab_t *slab, sea_conn_id_t id)
{
  return sea__slab_find(slab, sea_conn_id_slot(id), sea_conn_id_generation(id));
}

static void
close_and_free(sea_slab_t *slab, sea_conn_t *conn)
{
  sea__slab_close_fd(slab, conn);
  conn->state = SEA_CONN_CLOSED;
  sea__slab_free(slab, conn->slot);
}

static int
some_fd(void)
{
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_true(fd >= 0);
  return fd;
}

static void
a_slot_forgets_how_its_last_connection_received(void **state)
{
  (void)state;
  sea_slab_t slab;
  assert_int_equal(sea__slab_init(&slab), 0);
  sea_conn_t *first = sea__slab_open(&slab, some_fd());
  first->hungry = true;
  first->detour = true;
  first->detour_empty = true;
  first->zcrx_off = true;
  close_and_free(&slab, first);
  sea_conn_t *conn;
  do { /* slots are taken in turn */
    conn = sea__slab_open(&slab, some_fd());
    if (conn != first) {
      close_and_free(&slab, conn);
    }
  } while (conn != first);
  assert_false(conn->hungry || conn->detour || conn->detour_empty || conn->zcrx_off);
  close_and_free(&slab, conn);
  sea__slab_deinit(&slab);
}

static void
a_stale_id_finds_nothing(void **state)
{
  (void)state;
  sea_slab_t slab;
  assert_int_equal(sea__slab_init(&slab), 0);
  assert_null(find(&slab, 0));
  assert_null(find(&slab, UINT64_MAX));
  sea_conn_t *conn = sea__slab_open(&slab, some_fd());
  sea_conn_id_t id = id_of(conn);
  assert_int_not_equal(conn->generation, 0);
  assert_ptr_equal(find(&slab, id), conn);
  assert_null(find(&slab, id + (1U << SEA_SLOT_BITS)));
  conn->state = SEA_CONN_CLOSING;
  assert_ptr_equal(find(&slab, id), conn);
  sea__slab_close_fd(&slab, conn);
  conn->state = SEA_CONN_CLOSED;
  assert_null(find(&slab, id));
  sea__slab_free(&slab, conn->slot);
  assert_null(find(&slab, id));
  sea__slab_deinit(&slab);
}

static void
a_slot_rests_until_all_others_were_used(void **state)
{
  (void)state;
  sea_slab_t slab;
  assert_int_equal(sea__slab_init(&slab), 0);
  sea_conn_t *first = sea__slab_open(&slab, some_fd());
  sea_conn_id_t old = id_of(first);
  close_and_free(&slab, first);
  for (uint32_t i = 1; i < SEA_SEGMENT_SLOTS; i++) {
    sea_conn_t *conn = sea__slab_open(&slab, some_fd());
    assert_int_equal(conn->slot, i);
    close_and_free(&slab, conn);
  }
  sea_conn_t *again = sea__slab_open(&slab, some_fd());
  assert_ptr_equal(again, first);
  assert_int_not_equal(id_of(again), old);
  assert_null(find(&slab, old));
  close_and_free(&slab, again);
  assert_int_equal(slab.segments_used, 1);
  sea__slab_deinit(&slab);
}

static void
generations_wrap_past_zero(void **state)
{
  (void)state;
  sea_slab_t slab;
  assert_int_equal(sea__slab_init(&slab), 0);
  sea_conn_t *conn = sea__slab_open(&slab, some_fd());
  close_and_free(&slab, conn);
  conn->generation = (1U << SEA_GENERATION_BITS) - 1;
  for (uint32_t i = 0; i < SEA_SEGMENT_SLOTS; i++) {
    sea_conn_t *next = sea__slab_open(&slab, some_fd());
    assert_int_not_equal(next->generation, 0);
    assert_true(id_of(next) < 1ULL << 53);
    close_and_free(&slab, next);
  }
  assert_int_equal(conn->generation, 1);
  sea__slab_deinit(&slab);
}

static void
count(sea_conn_t *conn, void *arg)
{
  uint64_t *slots = arg;
  slots[0]++;
  slots[1] += conn->slot;
}

static void
grows_without_moving_anything(void **state)
{
  (void)state;
  enum { CONNS = 3 * SEA_SEGMENT_SLOTS + 1 };
  static sea_conn_t *conns[CONNS];
  static sea_conn_id_t ids[CONNS];
  sea_slab_t slab;
  assert_int_equal(sea__slab_init(&slab), 0);
  for (uint32_t i = 0; i < CONNS; i++) {
    conns[i] = sea__slab_open(&slab, -1); /* the table does not look at the fd */
    assert_non_null(conns[i]);
    ids[i] = id_of(conns[i]);
    assert_int_equal(conns[i]->slot, i);
  }
  assert_int_equal(slab.segments_used, 4);
  for (uint32_t i = 0; i < CONNS; i++) {
    assert_ptr_equal(find(&slab, ids[i]), conns[i]);
  }
  for (uint32_t i = 0; i < CONNS; i += 2) {
    conns[i]->state = SEA_CONN_CLOSED;
    sea__slab_free(&slab, i);
  }
  conns[1]->state = SEA_CONN_CLOSING;
  uint64_t slots[2] = {0};
  sea__slab_each(&slab, count, slots);
  assert_int_equal(slots[0], CONNS / 2);
  assert_int_equal(slots[1], (CONNS / 2) * (CONNS / 2));
  sea__slab_deinit(&slab);
}

static void
the_host_gets_a_socket_only_while_it_is_open(void **state)
{
  (void)state;
  sea_slab_t slab;
  assert_int_equal(sea__slab_init(&slab), 0);
  assert_int_equal(sea__slab_lock_fd(&slab, 12345), -ENOTCONN);
  int fd = some_fd();
  sea_conn_t *conn = sea__slab_open(&slab, fd);
  sea_conn_id_t id = id_of(conn);
  assert_int_equal(sea__slab_lock_fd(&slab, id), fd);
  sea__slab_unlock(&slab);
  assert_int_equal(sea__slab_lock_fd(&slab, id + (1U << SEA_SLOT_BITS)), -ENOTCONN);
  conn->queued_bytes = 77;
  assert_int_equal(sea__slab_queued(&slab, id), 77);
  assert_int_equal(sea__slab_queued(&slab, id + (1U << SEA_SLOT_BITS)), 0);
  sea__slab_close_fd(&slab, conn);
  assert_int_equal(fcntl(fd, F_GETFD), -1);
  assert_int_equal(sea__slab_lock_fd(&slab, id), -ENOTCONN);
  sea__slab_deinit(&slab);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_stale_id_finds_nothing),
      cmocka_unit_test(a_slot_forgets_how_its_last_connection_received),
      cmocka_unit_test(a_slot_rests_until_all_others_were_used),
      cmocka_unit_test(generations_wrap_past_zero),
      cmocka_unit_test(grows_without_moving_anything),
      cmocka_unit_test(the_host_gets_a_socket_only_while_it_is_open),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
