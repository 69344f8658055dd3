/* The steps of a pass, and the one place where commands and completions are told apart. */
#include "loop.h"

#include <assert.h>
#include <errno.h>

#include "clock.h"
#include "http/http.h"

/* -- life ------------------------------------------------------------------------------------- */

int
sea__loop_init(sea_loop_t *loop, const sea_options_t *options)
{
  *loop = (sea_loop_t){.options = *options, .step_events = SEA_EVENTS_PER_STEP};
  loop->listener = (sea_listener_t){.fd = -1, .announced = true};
  sea__list_init(&loop->todo);
  sea__list_init(&loop->starved);
  sea__list_init(&loop->starved_first);
  sea__list_init(&loop->zcrx.stuck);
  sea__payloads_init(&loop->payloads, options->on_release, options->arg);
  int error = sea__slab_init(&loop->slab);
  if (error == 0 && (error = sea__chunk_pool_init(&loop->chunks)) < 0) {
    sea__slab_deinit(&loop->slab);
  }
  if (error == 0 && (error = sea__wake_init(&loop->wake)) < 0) {
    sea__chunk_pool_deinit(&loop->chunks);
    sea__slab_deinit(&loop->slab);
  }
  if (error < 0) {
    return error;
  }
  error = options->http == NULL ? 0 : sea__http_create(loop, options->http);
  loop->options.http = NULL; /* the caller's, and read */
  if (error == 0) {
    uint32_t least = loop->step_events * 2;
    uint32_t capacity = options->event_capacity;
    error = sea__events_init(&loop->events, capacity < least ? least : capacity);
  }
  if (error == 0) {
    error = sea__commands_init(&loop->commands, options->command_capacity);
  }
  if (error < 0) {
    sea__loop_deinit(loop);
  }
  return error;
}

void
sea__loop_deinit(sea_loop_t *loop)
{
  sea__zero_copy_deinit(&loop->zero_copy);
  sea__zcrx_deinit(&loop->zcrx);
  sea__bufring_deinit(&loop->buffers);
  sea__commands_deinit(&loop->commands);
  sea__events_deinit(&loop->events);
  sea__wake_deinit(&loop->wake);
  sea__http_destroy(loop);
  sea__payloads_deinit(&loop->payloads);
  sea__chunk_pool_deinit(&loop->chunks);
  sea__slab_deinit(&loop->slab);
}

/* -- events ----------------------------------------------------------------------------------- */

static void
reclaim(sea_loop_t *loop)
{
  const sea_event_t *event;
  while ((event = sea__events_reclaim(&loop->events)) != NULL) {
    if (sea__event_has_buffer(event)) {
      sea__stat_add(&loop->stats.data_reclaimed, 1);
    }
    sea__loop_release(loop, event);
  }
}

static void
ring_bell(sea_loop_t *loop)
{
  loop->bell_due = SEA_BELL_SILENT;
  /* The exchange pairs with the host's in sea_events_again(): whichever is second sees the other,
   * so either the host finds the events published before this, or it is rung for. */
  if (!atomic_exchange_explicit(&loop->bell, true, memory_order_acq_rel)) {
    sea__stat_add(&loop->stats.doorbells, 1);
    loop->options.on_events(loop->options.arg);
  }
}

static void
publish(sea_loop_t *loop)
{
  sea__payloads_publish(&loop->payloads);
  if (sea__events_unpublished(&loop->events)) {
    sea__events_publish(&loop->events);
  }
  if (loop->bell_due == SEA_BELL_NOW) {
    ring_bell(loop);
  }
}

void
sea__loop_ring_lazy(sea_loop_t *loop)
{
  if (loop->bell_due == SEA_BELL_LAZY) {
    ring_bell(loop);
  }
}

void
sea__loop_say_stopped(sea_loop_t *loop)
{
  sea__loop_emit(loop, SEA_EVENT_STOPPED, NULL, 0);
  publish(loop);
}

/* -- orders and commands ---------------------------------------------------------------------- */

static void
execute(sea_loop_t *loop, const sea_command_t *command)
{
  if (command->op == SEA_COMMAND_STOP_ACCEPTING) {
    sea__accept_stop(loop);
    return;
  }
  sea_conn_t *conn = sea__slab_find(&loop->slab, command->slot, command->generation);
  if (command->op == SEA_COMMAND_SEND_PAYLOAD) {
    sea__outbox_queue(loop, conn, command);
    return;
  }
  if (command->op == SEA_COMMAND_RESPOND) {
    sea__http_response(loop, conn, command);
    return;
  }
  if (conn == NULL) {
    return; /* gone meanwhile: its CLOSED event is on the way or has been seen */
  }
  switch ((sea_command_op_t)command->op) {
  case SEA_COMMAND_SEND:
    sea__send_queue(loop, conn, command);
    break;
  case SEA_COMMAND_PAUSE:
    sea__recv_pause(loop, conn);
    break;
  case SEA_COMMAND_RESUME:
    sea__recv_resume(loop, conn);
    break;
  case SEA_COMMAND_SHUTDOWN:
    if (conn->write_end == SEA_WRITE_OPEN) {
      conn->write_end = SEA_WRITE_SHUTTING;
      sea__loop_todo(loop, conn);
    }
    break;
  case SEA_COMMAND_CLOSE:
  case SEA_COMMAND_RESET:
    sea__conn_close(loop, conn, SEA_CLOSE_ASKED, command->op == SEA_COMMAND_RESET);
    break;
  case SEA_COMMAND_ASK_DRAIN:
    sea__outbox_ask_drain(loop, conn, (uint32_t)command->len);
    break;
  case SEA_COMMAND_FINISH:
    sea__answer_finish(loop, conn);
    break;
  case SEA_COMMAND_SEND_PAYLOAD:
  case SEA_COMMAND_RESPOND:
  case SEA_COMMAND_STOP_ACCEPTING:
    break;
  }
}

static bool
take_commands(sea_loop_t *loop)
{
  sea_command_t command;
  bool any = false;
  while (sea__loop_has_room(loop) && sea__commands_take(&loop->commands, &command)) {
    execute(loop, &command);
    any = true;
  }
  if (sea__loop_has_room(loop) && sea__commands_relieved(&loop->commands)) {
    sea__loop_emit(loop, SEA_EVENT_COMMAND_SPACE, NULL, 0);
  }
  return any;
}

static void
close_for_stop(sea_conn_t *conn, void *arg)
{
  sea__conn_close(arg, conn, SEA_CLOSE_STOP, false);
}

/* What was commanded before the order is done before it, as soon as there is room for what it
 * tells: a last write still gets its attempt. */
static bool
obey(sea_loop_t *loop, uint32_t orders)
{
  bool commands = take_commands(loop);
  bool stops = (orders & SEA_ORDER_STOP) != 0 && !loop->stopping;
  if (stops && !sea__commands_pending(&loop->commands)) {
    loop->stopping = true;
    sea__accept_stop(loop);
    sea__slab_each(&loop->slab, close_for_stop, loop);
  }
  return commands;
}

/* -- preparing submissions -------------------------------------------------------------------- */

static void
service_connections(sea_loop_t *loop)
{
  sea_list_t todo;
  sea__list_take(&loop->todo, &todo);
  while (!sea__list_empty(&todo)) {
    sea_conn_t *conn = sea_container_of(sea__list_shift(&todo), sea_conn_t, todo);
    if (!sea__loop_has_room(loop) || !sea__conn_service(loop, conn)) {
      sea__loop_todo(loop, conn);
      break;
    }
  }
  while (!sea__list_empty(&todo)) {
    sea__list_append(&loop->todo, sea__list_shift(&todo));
  }
}

/* Who sleeps in the ring is woken through it. */
static bool
wants_wake(const sea_loop_t *loop)
{
  return loop->options.driver == SEA_DRIVER_WORKER && !loop->stopping && !loop->wake_armed;
}

static void
arm_wake(sea_loop_t *loop)
{
  struct io_uring_sqe *sqe = wants_wake(loop) ? sea__ring_sqe(&loop->ring) : NULL;
  if (sqe != NULL) {
    io_uring_prep_read(sqe, loop->wake.ring_fd, &loop->wake_count, sizeof loop->wake_count, 0);
    sea__ring_start(&loop->ring, sqe, sea__ring_tag(SEA_OP_WAKE, 0));
    loop->wake_armed = true;
  }
}

/* The last thing in flight of a loop that stops is the read of the eventfd. */
static void
cancel_wake(sea_loop_t *loop)
{
  if (!loop->stopping || !loop->wake_armed || loop->cancelling || !loop->listener.announced ||
      sea__stat_get(&loop->stats.connections_active) != 0) {
    return;
  }
  struct io_uring_sqe *sqe = sea__ring_sqe(&loop->ring);
  if (sqe != NULL) {
    io_uring_prep_cancel64(sqe, sea__ring_tag(SEA_OP_WAKE, 0), 0);
    sea__ring_start(&loop->ring, sqe, sea__ring_tag(SEA_OP_CANCEL_LOOP, 0));
    loop->cancelling = true;
  }
}

bool
sea__loop_prepare(sea_loop_t *loop)
{
  loop->now_ms = sea__clock_ms();
  sea__stat_add(&loop->stats.passes, 1);
  /* Before the commands: whatever was pushed before an order is then seen with it. */
  uint32_t orders = atomic_load_explicit(&loop->orders, memory_order_acquire);
  if (orders & SEA_ORDER_DISCARD) {
    loop->discarding = true;
  }
  reclaim(loop);
  if (sea__loop_stalled(loop)) {
    return false;
  }
  bool commands = obey(loop, orders);
  sea__conn_expire(loop);
  sea__recv_feed_starved(loop);
  if (loop->zcrx.state == SEA_PATH_ON) {
    sea__zcrx_feed_stuck(loop);
  }
  service_connections(loop);
  if (sea__loop_has_room(loop)) {
    sea__accept_service(loop);
  }
  arm_wake(loop);
  cancel_wake(loop);
  sea__bufring_publish(&loop->buffers);
  if (loop->zcrx.state == SEA_PATH_ON) {
    sea__zcrx_give_back(loop);
  }
  publish(loop);
  return commands;
}

/* -- completions ------------------------------------------------------------------------------ */

static void
on_cancel_loop(sea_loop_t *loop)
{
  /* Whichever it was for is either over or in flight still, and then is cancelled again. */
  loop->cancelling = false;
  loop->listener.cancelling = false;
}

static void
on_connection_cqe(sea_loop_t *loop, sea_op_t op, sea_conn_t *conn, int32_t result, uint32_t flags)
{
  switch (op) {
  case SEA_OP_RECV:
    sea__on_recv(loop, conn, result, flags);
    break;
  case SEA_OP_RECV_ZC:
    sea__on_recv_zc(loop, conn, result, flags);
    break;
  case SEA_OP_SEND:
    sea__on_send(loop, conn, result, flags);
    break;
  case SEA_OP_CANCEL_RECV:
    sea__on_cancel_recv(loop, conn);
    break;
  case SEA_OP_CANCEL_CONN:
    sea__on_cancel_conn(loop, conn);
    break;
  case SEA_OP_WATCH:
    sea__on_watch(loop, conn, result);
    break;
  case SEA_OP_WAKE:
  case SEA_OP_ACCEPT:
  case SEA_OP_CANCEL_LOOP:
    break;
  }
}

static void
dispatch(sea_loop_t *loop, uint64_t tag, int32_t result, uint32_t flags)
{
  if ((flags & IORING_CQE_F_MORE) == 0) {
    loop->ring.in_flight--;
  }
  sea_op_t op = sea__ring_tag_op(tag);
  if (op == SEA_OP_WAKE) {
    loop->wake_armed = false;
  } else if (op == SEA_OP_ACCEPT) {
    sea__on_accept(loop, result, flags);
  } else if (op == SEA_OP_CANCEL_LOOP) {
    on_cancel_loop(loop);
  } else {
    sea_conn_id_t id = sea__ring_tag_id(tag);
    sea_conn_t *conn = sea__slab_find(&loop->slab, sea_conn_id_slot(id),
                                      sea_conn_id_generation(id));
    if (conn != NULL) {
      on_connection_cqe(loop, op, conn, result, flags);
    } else {
      /* Only the cancellation of a receive may outlive its connection; it owns nothing. */
      assert(op == SEA_OP_CANCEL_RECV);
    }
  }
}

void
sea__loop_reap(sea_loop_t *loop)
{
  struct io_uring_cqe *cqe;
  loop->now_ms = sea__clock_ms();
  while (sea__loop_has_room(loop)) {
    if (loop->bundle.conn != NULL) {
      sea__recv_unbundle(loop);
      continue;
    }
    /* Asked first: on an empty queue the peek may make a system call of its own. */
    if (!sea__ring_has_completions(&loop->ring) || io_uring_peek_cqe(&loop->ring.uring, &cqe) < 0) {
      break;
    }
    uint64_t tag = cqe->user_data;
    int32_t result = cqe->res;
    uint32_t flags = cqe->flags;
    if (sea_unlikely(loop->zcrx.state == SEA_PATH_ON)) {
      loop->zcrx.where = cqe->big_cqe[0]; /* only a wide ring has it */
    }
    io_uring_cqe_seen(&loop->ring.uring, cqe);
    dispatch(loop, tag, result, flags);
  }
  if (sea_unlikely(loop->zcrx.state == SEA_PATH_ON)) {
    sea__zcrx_give_back(loop); /* the next pass may be far away */
  }
  publish(loop);
}

/* -- questions -------------------------------------------------------------------------------- */

/* A stop was ordered, and nothing is open or in flight any more. */
static bool
has_ended(const sea_loop_t *loop)
{
  return loop->stopping && loop->ring.in_flight == 0 && loop->listener.announced &&
         sea__list_empty(&loop->todo) && sea__stat_get(&loop->stats.connections_active) == 0;
}

static bool
has_all_back(const sea_loop_t *loop)
{
  return loop->discarding || (sea__stat_get(&loop->stats.slots_in_use) == 0 &&
                              sea__stat_get(&loop->stats.buffers_in_use) == 0);
}

bool
sea__loop_stalled(const sea_loop_t *loop)
{
  return !sea__loop_has_room(loop) || (has_ended(loop) && !has_all_back(loop));
}

bool
sea__loop_relieved(const sea_loop_t *loop)
{
  uint32_t orders = atomic_load_explicit(&loop->orders, memory_order_acquire);
  return sea__events_reclaimable(&loop->events) || (orders & SEA_ORDER_DISCARD) != 0;
}

bool
sea__loop_finished(const sea_loop_t *loop)
{
  return has_ended(loop) && has_all_back(loop);
}

static bool
listener_has_work(const sea_loop_t *loop)
{
  const sea_listener_t *listener = &loop->listener;
  if (listener->wanted) {
    return !listener->armed && listener->retry_ms <= loop->now_ms;
  }
  return !listener->announced && !(listener->armed && listener->cancelling);
}

bool
sea__loop_has_work(const sea_loop_t *loop)
{
  uint32_t orders = atomic_load_explicit(&loop->orders, memory_order_acquire);
  return !sea__list_empty(&loop->todo) || loop->bundle.conn != NULL ||
         sea__commands_pending(&loop->commands) ||
         atomic_load_explicit(&loop->commands.starved, memory_order_relaxed) ||
         ((orders & SEA_ORDER_STOP) && !loop->stopping) ||
         ((orders & SEA_ORDER_DISCARD) && !loop->discarding) ||
         (sea__loop_starved(loop) && loop->buffers.provided > 0) ||
         sea__events_reclaimable(&loop->events) || /* or they would stay in use while it sleeps */
         listener_has_work(loop) || wants_wake(loop);
}

uint32_t
sea__loop_sleep_reasons(const sea_loop_t *loop)
{
  if (sea__loop_stalled(loop)) {
    return SEA_SLEEP_STALL | SEA_SLEEP_SPACE;
  }
  return SEA_SLEEP_COMMANDS | (sea__loop_starved(loop) ? SEA_SLEEP_SPACE : 0);
}

/* Of two times to wait, -1 = for ever. */
static int64_t
sooner(int64_t a, int64_t b)
{
  return a < 0 || (b >= 0 && b < a) ? b : a;
}

int64_t
sea__loop_wait_ms(const sea_loop_t *loop)
{
  int64_t wait = sooner(sea__timer_wait_ms(&loop->timer, loop->now_ms),
                        sea__timer_wait_ms(&loop->farewells, loop->now_ms));
  const sea_listener_t *listener = &loop->listener;
  wait = sooner(wait, sea__zcrx_wait_ms(loop));
  if (loop->http != NULL) {
    wait = sooner(wait, sea__http_wait_ms(loop));
  }
  if (listener->wanted && !listener->armed && listener->retry_ms > loop->now_ms) {
    int64_t retry = (int64_t)(listener->retry_ms - loop->now_ms);
    wait = sooner(wait, retry);
  }
  return wait;
}
