/* Connections that receive into an area: what the loop makes of the kernel's completions, which are
 * played here, as it takes a special network card to get them. The ring is never entered. */
#include "zcrx.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compat.h"
#include "loop.h"
#include "support.h"

#define BUFFER 4096U
#define BUFFERS 4U
#define ENTRIES 8U
#define MORE IORING_CQE_F_MORE

typedef struct bench {
  sea_loop_t loop;
  sea_conn_t *conn;
  int peer;
  char *memory;
  _Atomic uint32_t head;
  _Atomic uint32_t tail;
  sea_uapi_refill_t entries[ENTRIES];
} bench_t;

static void
on_events(void *arg)
{
  (void)arg;
}

static void
begin_with(bench_t *bench, sea_options_t options)
{
  int pair[2];
  memset(bench, 0, sizeof *bench);
  options.on_events = on_events;
  assert_int_equal(sea__loop_init(&bench->loop, &options), 0);
  assert_int_equal(sea__loop_ring_init(&bench->loop), 0);
  bench->memory = calloc(BUFFERS, BUFFER);
  sea_area_setup_t setup = {.base = bench->memory,
                            .size = (uint64_t)BUFFERS * BUFFER,
                            .buffer_size = BUFFER,
                            .head = &bench->head,
                            .tail = &bench->tail,
                            .entries = bench->entries,
                            .entry_count = ENTRIES};
  assert_int_equal(sea__area_init(&bench->loop.zcrx.area, &setup), 0);
  bench->loop.zcrx.state = SEA_PATH_ON;
  bench->loop.zcrx.queue_id = 7;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  bench->peer = pair[1];
  sea__conn_open(&bench->loop, pair[0]);
  bench->conn = sea__slab_find(&bench->loop.slab, 0, 1);
  assert_non_null(bench->conn);
  (void)sea__loop_prepare(&bench->loop);
}

static void
begin(bench_t *bench)
{
  begin_with(bench, default_options());
}

static void
end(bench_t *bench)
{
  sea__conn_close(&bench->loop, bench->conn, SEA_CLOSE_ASKED, false);
  bench->conn->recv = SEA_RECV_ENDED;
  bench->conn->sending = false;
  (void)sea__loop_prepare(&bench->loop);
  close(bench->peer);
  bench->loop.ring.in_flight = 0;
  sea__loop_ring_deinit(&bench->loop);
  sea__loop_deinit(&bench->loop);
  free(bench->memory);
}

/* The entry that was prepared last. */
static const struct io_uring_sqe *
last_entry(const bench_t *bench)
{
  const struct io_uring_sq *sq = &bench->loop.ring.uring.sq;
  return &sq->sqes[(sq->sqe_tail - 1) & sq->ring_mask];
}

/* A piece of this text arrives. */
static void
arrive(bench_t *bench, uint32_t buffer, uint32_t at, const char *text)
{
  uint32_t offset = buffer * BUFFER + at;
  memcpy(bench->memory + offset, text, strlen(text));
  bench->loop.zcrx.where = offset;
  sea__on_recv_zc(&bench->loop, bench->conn, (int32_t)strlen(text), MORE);
}

static void
finish(bench_t *bench, int32_t result)
{
  sea__on_recv_zc(&bench->loop, bench->conn, result, 0);
}

static const sea_event_t *
last_event(bench_t *bench)
{
  return sea__events_last(&bench->loop.events);
}

/* The host takes all events there are, and the next pass takes back what they held. */
static void
host_is_done(bench_t *bench)
{
  sea__events_publish(&bench->loop.events);
  sea__events_consume(&bench->loop.events, sea__events_pending(&bench->loop.events));
  (void)sea__loop_prepare(&bench->loop);
}

static uint32_t
refilled(const bench_t *bench)
{
  return atomic_load(&bench->tail);
}

static void
a_connection_receives_into_the_area_and_gives_back_what_the_host_has_taken(void **state)
{
  (void)state;
  static bench_t bench;
  begin(&bench);
  assert_int_equal(bench.conn->recv, SEA_RECV_ARMED);
  bool found = false;
  const struct io_uring_sq *sq = &bench.loop.ring.uring.sq;
  for (unsigned i = sq->sqe_head; i != sq->sqe_tail; i++) {
    const struct io_uring_sqe *sqe = &sq->sqes[i & sq->ring_mask];
    found |= sqe->opcode == SEA_IORING_OP_RECV_ZC && sqe->file_index == 7 && sqe->len == 0 &&
             (sqe->ioprio & IORING_RECV_MULTISHOT) != 0;
  }
  assert_true(found);
  arrive(&bench, 1, 10, "hello");
  arrive(&bench, 1, 15, "world");
  const sea_event_t *event = last_event(&bench);
  assert_int_equal(event->kind, SEA_EVENT_DATA);
  assert_int_equal(event->result, 5);
  assert_memory_equal(sea__loop_data(&bench.loop, event), "world", 5);
  assert_int_equal(sea__stat_get(&bench.loop.stats.buffers_in_use), 2);
  (void)sea__loop_prepare(&bench.loop);
  assert_int_equal(refilled(&bench), 0); /* the host has them still */
  host_is_done(&bench);
  assert_int_equal(refilled(&bench), 2);
  assert_true(bench.entries[0].offset == BUFFER && bench.entries[1].offset == BUFFER);
  assert_int_equal(sea__stat_get(&bench.loop.stats.buffers_in_use), 0);
  assert_int_equal(sea__stat_get(&bench.loop.stats.zcrx_packets), 2);
  assert_int_equal(sea__stat_get(&bench.loop.stats.zcrx_bytes), 10);
  assert_int_equal(sea__stat_get(&bench.loop.stats.zcrx_refills), 2);
  assert_int_equal(sea__stat_get(&bench.loop.stats.bytes_received), 10);
  end(&bench);
}

static void
an_exhausted_area_makes_a_detour_that_ends_at_what_only_zero_copy_can_read(void **state)
{
  (void)state;
  static bench_t bench;
  begin(&bench);
  arrive(&bench, 0, 0, "one");
  finish(&bench, -ENOMEM);
  host_is_done(&bench);
  assert_int_equal(last_entry(&bench)->opcode, IORING_OP_RECV);
  assert_int_equal(bench.conn->recv, SEA_RECV_ARMED);
  /* three bytes in the ordinary buffer 0, then a packet that is in the area */
  memcpy(sea__bufring_data(&bench.loop.buffers, 0), "two", 3);
  sea__on_recv(&bench.loop, bench.conn, 3, MORE | IORING_CQE_F_BUFFER);
  assert_memory_equal(sea__loop_data(&bench.loop, last_event(&bench)), "two", 3);
  sea__on_recv(&bench.loop, bench.conn, -EFAULT, 0);
  host_is_done(&bench);
  assert_int_equal(last_entry(&bench)->opcode, SEA_IORING_OP_RECV_ZC);
  arrive(&bench, 2, 0, "three");
  assert_int_equal(last_event(&bench)->kind, SEA_EVENT_DATA);
  assert_int_equal(sea__stat_get(&bench.loop.stats.zcrx_exhaustions), 1);
  assert_int_equal(sea__stat_get(&bench.loop.stats.zcrx_copies), 1);
  assert_int_equal(sea__stat_get(&bench.loop.stats.bytes_received), 11);
  host_is_done(&bench);
  end(&bench);
}

/* The ordinary receive is cancelled, and armed again. */
static uint8_t
armed_anew(bench_t *bench)
{
  sea__recv_pause(&bench->loop, bench->conn);
  host_is_done(bench);
  assert_int_equal(bench->conn->recv, SEA_RECV_CANCELLING);
  sea__on_recv(&bench->loop, bench->conn, -ECANCELED, 0);
  sea__recv_resume(&bench->loop, bench->conn);
  host_is_done(bench);
  return last_entry(bench)->opcode;
}

static void
a_detour_ends_where_a_receive_is_armed_anew_and_most_buffers_are_back(void **state)
{
  (void)state;
  static bench_t bench;
  begin(&bench);
  for (uint32_t i = 0; i < 2; i++) {
    arrive(&bench, i, 0, "held by the host");
  }
  finish(&bench, -ENOMEM);
  (void)sea__loop_prepare(&bench.loop);
  memcpy(sea__bufring_data(&bench.loop.buffers, 0), "and more", 8);
  sea__on_recv(&bench.loop, bench.conn, 8, MORE | IORING_CQE_F_BUFFER);
  assert_int_equal(armed_anew(&bench), IORING_OP_RECV);
  atomic_store(&bench.head, 2); /* the kernel has taken what went back, but for whom? */
  assert_int_equal(armed_anew(&bench), IORING_OP_RECV);
  bench.loop.zcrx.flushes = true;
  assert_int_equal(armed_anew(&bench), SEA_IORING_OP_RECV_ZC);
  end(&bench);
}

static void
a_refill_ring_that_the_kernel_does_not_empty_is_no_source_of_buffers(void **state)
{
  (void)state;
  static bench_t bench;
  begin(&bench);
  bench.loop.zcrx.flushes = true; /* so it says, but this ring has no queue */
  arrive(&bench, 0, 0, "one");
  host_is_done(&bench);
  assert_int_equal(refilled(&bench), 1);
  finish(&bench, -ENOMEM);
  (void)sea__loop_prepare(&bench.loop);
  assert_int_equal(sea__stat_get(&bench.loop.stats.zcrx_exhaustions), 1);
  assert_int_equal(last_entry(&bench)->opcode, IORING_OP_RECV);
  end(&bench);
}

/* Most of the area is neither ours nor in the refill ring. */
static void
a_detour_is_made_also_while_a_card_holds_the_area(void **state)
{
  (void)state;
  static bench_t bench;
  begin(&bench);
  bench.loop.zcrx.flushes = true;
  finish(&bench, -ENOMEM);
  (void)sea__loop_prepare(&bench.loop);
  assert_int_equal(last_entry(&bench)->opcode, IORING_OP_RECV);
  assert_int_equal(armed_anew(&bench), IORING_OP_RECV); /* it has brought nothing yet */
  assert_int_equal(sea__stat_get(&bench.loop.stats.zcrx_exhaustions), 1);
  end(&bench);
}

static void
where_neither_way_works_it_is_tried_again_after_a_moment(void **state)
{
  (void)state;
  static bench_t bench;
  begin(&bench);
  finish(&bench, -ENOMEM);
  host_is_done(&bench);
  sea__on_recv(&bench.loop, bench.conn, -EFAULT, 0);
  host_is_done(&bench);
  assert_int_equal(bench.conn->recv, SEA_RECV_STARVED);
  int64_t wait = sea__loop_wait_ms(&bench.loop);
  assert_true(wait > 0 && wait <= 100);
  bench.loop.zcrx.retry_ms = bench.loop.now_ms; /* it is over */
  (void)sea__loop_prepare(&bench.loop);
  assert_int_equal(last_entry(&bench)->opcode, SEA_IORING_OP_RECV_ZC);
  assert_int_equal(bench.conn->recv, SEA_RECV_ARMED);
  assert_true(sea__loop_wait_ms(&bench.loop) < 0);
  end(&bench);
}

static void
one_that_is_stuck_can_be_paused_resumed_and_closed(void **state)
{
  (void)state;
  static bench_t bench;
  begin(&bench);
  for (int i = 0; i < 2; i++) {
    finish(&bench, -ENOMEM);
    host_is_done(&bench);
    sea__on_recv(&bench.loop, bench.conn, -EFAULT, 0);
    if (i == 0) {
      sea__recv_pause(&bench.loop, bench.conn);
      host_is_done(&bench);
      assert_true(sea__list_empty(&bench.loop.zcrx.stuck));
      sea__recv_resume(&bench.loop, bench.conn);
      host_is_done(&bench);
      assert_int_equal(last_entry(&bench)->opcode, SEA_IORING_OP_RECV_ZC);
    }
  }
  sea__conn_close(&bench.loop, bench.conn, SEA_CLOSE_ASKED, false);
  assert_true(sea__list_empty(&bench.loop.zcrx.stuck));
  end(&bench);
}

static void
a_full_completion_queue_ends_a_receive_which_goes_on(void **state)
{
  (void)state;
  static bench_t bench;
  begin(&bench);
  arrive(&bench, 0, 0, "one");
  finish(&bench, -ENOSPC);
  (void)sea__loop_prepare(&bench.loop);
  assert_int_equal(last_entry(&bench)->opcode, SEA_IORING_OP_RECV_ZC);
  assert_int_equal(sea__stat_get(&bench.loop.stats.multishot_rearms), 1);
  host_is_done(&bench);
  end(&bench);
}

static void
a_socket_that_cannot_receive_so_receives_as_usual(void **state)
{
  (void)state;
  static bench_t bench;
  begin(&bench);
  finish(&bench, -EPROTONOSUPPORT);
  (void)sea__loop_prepare(&bench.loop);
  assert_int_equal(last_entry(&bench)->opcode, IORING_OP_RECV);
  sea__on_recv(&bench.loop, bench.conn, -EFAULT, 0); /* no detour that could end so */
  assert_int_equal(last_event(&bench)->kind, SEA_EVENT_ERROR);
  end(&bench);
}

static void
the_end_and_errors_of_a_stream_are_told(void **state)
{
  (void)state;
  static bench_t bench;
  const int32_t results[] = {0, -ECONNRESET, -EFAULT};
  for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
    begin(&bench);
    arrive(&bench, 0, 0, "last");
    finish(&bench, results[i]);
    assert_int_equal(last_event(&bench)->kind, i == 0 ? SEA_EVENT_END : SEA_EVENT_ERROR);
    assert_int_equal(last_event(&bench)->result, results[i]);
    host_is_done(&bench);
    assert_int_equal(bench.conn->recv, SEA_RECV_ENDED);
    end(&bench);
  }
}

static void
what_arrives_after_a_close_goes_straight_back(void **state)
{
  (void)state;
  static bench_t bench;
  begin(&bench);
  host_is_done(&bench);
  sea__conn_close(&bench.loop, bench.conn, SEA_CLOSE_ASKED, false);
  arrive(&bench, 3, 0, "late");
  assert_false(sea__events_unpublished(&bench.loop.events));
  (void)sea__loop_prepare(&bench.loop);
  assert_int_equal(refilled(&bench), 1);
  end(&bench);
}

static void
a_piece_from_nowhere_breaks_the_connection_off(void **state)
{
  (void)state;
  static bench_t bench;
  begin(&bench);
  bench.loop.zcrx.where = (uint64_t)BUFFERS * BUFFER;
  sea__on_recv_zc(&bench.loop, bench.conn, 10, MORE);
  assert_int_equal(bench.conn->state, SEA_CONN_CLOSING);
  assert_true(bench.conn->reset);
  assert_int_equal(sea__stat_get(&bench.loop.stats.buffers_in_use), 0);
  end(&bench);
}

static void
a_pause_cancels_the_receive_that_is_in_flight(void **state)
{
  (void)state;
  static bench_t bench;
  begin(&bench);
  sea__recv_pause(&bench.loop, bench.conn);
  (void)sea__loop_prepare(&bench.loop);
  assert_int_equal(last_entry(&bench)->opcode, IORING_OP_ASYNC_CANCEL);
  assert_true(last_entry(&bench)->addr == sea__ring_tag(SEA_OP_RECV_ZC, sea__conn_id(bench.conn)));
  arrive(&bench, 0, 0, "before"); /* which is delivered all the same */
  assert_int_equal(last_event(&bench)->kind, SEA_EVENT_DATA);
  finish(&bench, -ECANCELED);
  host_is_done(&bench);
  assert_int_equal(bench.conn->recv, SEA_RECV_IDLE);
  end(&bench);
}

static void
an_echo_is_sent_from_the_area_and_holds_it_until_then(void **state)
{
  (void)state;
  static bench_t bench;
  sea_options_t options = default_options();
  options.echo = true;
  begin_with(&bench, options);
  arrive(&bench, 2, 50, "echo");
  (void)sea__loop_prepare(&bench.loop);
  assert_int_equal(last_entry(&bench)->opcode, IORING_OP_SEND);
  assert_true(last_entry(&bench)->addr == (uint64_t)(uintptr_t)(bench.memory + 2 * BUFFER + 50));
  assert_int_equal(refilled(&bench), 0);
  sea__on_send(&bench.loop, bench.conn, 4, 0);
  (void)sea__loop_prepare(&bench.loop);
  assert_int_equal(refilled(&bench), 1);
  assert_true(bench.entries[0].offset == 2 * BUFFER);
  end(&bench);
}

static void
a_request_in_the_area_gives_it_back_when_its_body_was_taken(void **state)
{
  (void)state;
  static bench_t bench;
  sea_options_t options = default_options();
  sea_http_options_t http = http_options();
  http.handler = true;
  options.http = &http;
  begin_with(&bench, options);
  arrive(&bench, 1, 5, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
  sea__events_publish(&bench.loop.events);
  bool found = false;
  for (uint32_t i = 0; i < sea__events_pending(&bench.loop.events); i++) {
    const sea_event_t *event = sea__events_at(&bench.loop.events, i);
    if (event->kind == SEA_EVENT_DATA) {
      found = true;
      assert_int_equal(event->result, 4);
      assert_memory_equal(sea__loop_data(&bench.loop, event), "body", 4);
    }
  }
  assert_true(found);
  assert_int_equal(refilled(&bench), 0);
  host_is_done(&bench);
  assert_int_equal(refilled(&bench), 1);
  arrive(&bench, 2, 0, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); /* no body: back at once */
  (void)sea__loop_prepare(&bench.loop);
  assert_int_equal(refilled(&bench), 2);
  assert_int_equal(sea__stat_get(&bench.loop.stats.buffers_in_use), 0);
  host_is_done(&bench);
  end(&bench);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_connection_receives_into_the_area_and_gives_back_what_the_host_has_taken),
      cmocka_unit_test(an_exhausted_area_makes_a_detour_that_ends_at_what_only_zero_copy_can_read),
      cmocka_unit_test(a_detour_ends_where_a_receive_is_armed_anew_and_most_buffers_are_back),
      cmocka_unit_test(a_refill_ring_that_the_kernel_does_not_empty_is_no_source_of_buffers),
      cmocka_unit_test(a_detour_is_made_also_while_a_card_holds_the_area),
      cmocka_unit_test(where_neither_way_works_it_is_tried_again_after_a_moment),
      cmocka_unit_test(one_that_is_stuck_can_be_paused_resumed_and_closed),
      cmocka_unit_test(a_full_completion_queue_ends_a_receive_which_goes_on),
      cmocka_unit_test(a_socket_that_cannot_receive_so_receives_as_usual),
      cmocka_unit_test(the_end_and_errors_of_a_stream_are_told),
      cmocka_unit_test(what_arrives_after_a_close_goes_straight_back),
      cmocka_unit_test(a_piece_from_nowhere_breaks_the_connection_off),
      cmocka_unit_test(a_pause_cancels_the_receive_that_is_in_flight),
      cmocka_unit_test(an_echo_is_sent_from_the_area_and_holds_it_until_then),
      cmocka_unit_test(a_request_in_the_area_gives_it_back_when_its_body_was_taken),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
