/* A connection's life: open, service, the close chain, idle expiry. */
#include "conn.h"

#include <errno.h>
#include <unistd.h>

#include "loop.h"
#include "sock.h"

/* As SEA_FAREWELL_MS, when the server stops: long enough for a peer that reads. */
#define FAREWELL_STOP_MS 250U

static void
watch_idle(sea_loop_t *loop, sea_conn_t *conn)
{
  if (loop->options.idle_ms != 0) {
    sea__timer_add(&loop->timer, &conn->idle, conn->active_ms + loop->options.idle_ms);
  }
}

void
sea__conn_open(sea_loop_t *loop, int fd)
{
  sea_conn_t *conn = sea__slab_open(&loop->slab, fd);
  if (conn == NULL) {
    sea__stat_add(&loop->stats.connections_rejected, 1);
    close(fd);
    return;
  }
  sea__stat_add(&loop->stats.connections_accepted, 1);
  sea__stat_add(&loop->stats.connections_active, 1);
  sea__stat_add(&loop->stats.slots_in_use, 1);
  conn->active_ms = loop->now_ms;
  conn->answers = loop->options.echo ? SEA_ANSWERS_ECHO : SEA_ANSWERS_HOST;
  if (loop->http != NULL && !sea__http_open(loop, conn)) {
    sea__conn_close(loop, conn, SEA_CLOSE_NO_MEMORY, true);
  } else {
    watch_idle(loop, conn);
  }
  sea__loop_emit(loop, SEA_EVENT_OPEN, conn, 0);
  sea__loop_todo(loop, conn);
}

void
sea__conn_close(sea_loop_t *loop, sea_conn_t *conn, sea_close_reason_t reason, bool reset)
{
  if (conn->state == SEA_CONN_CLOSING && reason == SEA_CLOSE_STOP && conn->farewell) {
    sea__timer_remove(&loop->farewells, &conn->idle); /* its farewell becomes a short one */
    conn->farewell = false;
    sea__loop_todo(loop, conn);
  }
  if (conn->state != SEA_CONN_OPEN) {
    return;
  }
  if (conn->recv == SEA_RECV_STARVED) {
    sea__list_remove(&conn->waiting);
    conn->recv = SEA_RECV_IDLE;
  }
  conn->state = SEA_CONN_CLOSING; /* from here on only SENT, once, and CLOSED are said of it */
  conn->reason = (uint8_t)reason;
  conn->reset = reset;
  atomic_store_explicit(&conn->sealed, true, memory_order_relaxed);
  sea__timer_remove(&loop->timer, &conn->idle);
  sea__loop_todo(loop, conn);
}

/* By file rather than by user_data: one request reaches the send and the receive alike. */
static bool
cancel_all(sea_loop_t *loop, sea_conn_t *conn)
{
  struct io_uring_sqe *sqe = sea__ring_sqe(&loop->ring);
  if (sqe == NULL) {
    return false;
  }
  int fd = atomic_load_explicit(&conn->fd, memory_order_relaxed);
  io_uring_prep_cancel_fd(sqe, fd, IORING_ASYNC_CANCEL_ALL);
  sea__ring_start(&loop->ring, sqe, sea__ring_tag(SEA_OP_CANCEL_CONN, sea__conn_id(conn)));
  conn->cancelling = true;
  return true;
}

static void
finish_close(sea_loop_t *loop, sea_conn_t *conn)
{
  if (conn->reset) {
    sea__send_drop_queue(loop, conn);
    sea__sock_set_reset(atomic_load_explicit(&conn->fd, memory_order_relaxed));
  } else {
    /* Also for what was queued behind a send that had long succeeded, but had not been reaped. */
    sea__send_last_attempt(loop, conn);
  }
  sea__timer_remove(&loop->farewells, &conn->idle);
  sea__slab_close_fd(&loop->slab, conn);
  conn->state = SEA_CONN_CLOSED;
  sea__stat_sub(&loop->stats.connections_active, 1);
  sea__stat_add(&loop->stats.connections_closed, 1);
  loop->listener.retry_ms = 0; /* a descriptor came free */
  sea__loop_emit(loop, SEA_EVENT_CLOSED, conn, conn->reason);
}

/* RST, with which the kernel lets go of our memory. Nobody knows what the peer has got. */
static void
break_off(sea_conn_t *conn)
{
  conn->reset = true;
  conn->zero_copy_result = -ECONNABORTED;
  sea__sock_abort(atomic_load_explicit(&conn->fd, memory_order_relaxed));
}

/* The kernel still sends from our memory. That ends when the peer has acknowledged, and when that
 * takes too long. */
static void
bid_farewell(sea_loop_t *loop, sea_conn_t *conn)
{
  conn->farewell = true;
  if (conn->reset) {
    break_off(conn);
    return;
  }
  uint32_t ms = loop->stopping ? FAREWELL_STOP_MS : SEA_FAREWELL_MS;
  sea__timer_add(&loop->farewells, &conn->idle, loop->now_ms + ms);
}

static void
end_farewells(sea_loop_t *loop)
{
  sea_list_t due;
  sea__timer_advance(&loop->farewells, loop->now_ms, &due);
  while (!sea__list_empty(&due)) {
    break_off(sea_container_of(sea__list_shift(&due), sea_conn_t, idle));
  }
}

/* The next thing to do for a connection that closes: cancel, say farewell, close. */
static bool
close_step(sea_loop_t *loop, sea_conn_t *conn)
{
  if (!sea__conn_in_flight(conn)) {
    finish_close(loop, conn);
    return true;
  }
  if (!sea__conn_cancelled(conn)) {
    return conn->cancelling || cancel_all(loop, conn);
  }
  if (conn->zero_copy_wait && !conn->farewell) {
    bid_farewell(loop, conn);
  }
  return true;
}

static void
finish_writing(sea_loop_t *loop, sea_conn_t *conn)
{
  /* Not IORING_OP_SHUTDOWN, which the kernel always hands to a thread of its own. */
  int error = sea__sock_shutdown(atomic_load_explicit(&conn->fd, memory_order_relaxed));
  conn->write_end = SEA_WRITE_SHUT;
  sea__loop_emit(loop, SEA_EVENT_SHUTDOWN, conn, error);
}

bool
sea__conn_service(sea_loop_t *loop, sea_conn_t *conn)
{
  if (conn->state == SEA_CONN_CLOSING) {
    return close_step(loop, conn);
  }
  if (conn->state != SEA_CONN_OPEN) {
    return true;
  }
  if (conn->answers == SEA_ANSWERS_HTTP) {
    sea__http_service(loop, conn);
    if (conn->state != SEA_CONN_OPEN) {
      return true; /* it has closed it, which put it on the list again */
    }
  }
  if (!sea__recv_watch(loop, conn) || !sea__recv_service(loop, conn) ||
      !sea__send_service(loop, conn)) {
    return false;
  }
  if (conn->write_end == SEA_WRITE_SHUTTING && !conn->sending && conn->queue.head == NULL) {
    finish_writing(loop, conn);
  }
  return true;
}

/* Whatever it missed is still in flight; service then sends another one after it. */
void
sea__on_cancel_conn(sea_loop_t *loop, sea_conn_t *conn)
{
  conn->cancelling = false;
  sea__loop_todo(loop, conn);
}

/* A peer that takes the bytes of a zero-copy send is not idle, though nothing completes. */
static void
look_for_acknowledgements(sea_loop_t *loop, sea_conn_t *conn)
{
  if (!conn->zero_copy_wait) {
    return;
  }
  uint32_t unacked = sea__sock_unacked(atomic_load_explicit(&conn->fd, memory_order_relaxed));
  if (unacked != conn->unacked) {
    conn->unacked = unacked;
    conn->active_ms = loop->now_ms;
  }
}

void
sea__conn_expire(sea_loop_t *loop)
{
  sea_list_t due;
  end_farewells(loop);
  if (loop->http != NULL) {
    sea__http_expire(loop);
  }
  if (loop->options.idle_ms == 0) {
    return;
  }
  sea__timer_advance(&loop->timer, loop->now_ms, &due);
  while (!sea__list_empty(&due)) {
    sea_conn_t *conn = sea_container_of(sea__list_shift(&due), sea_conn_t, idle);
    look_for_acknowledgements(loop, conn);
    uint64_t direct_ms = atomic_load_explicit(&conn->direct_ms, memory_order_relaxed);
    if (direct_ms > conn->active_ms) {
      conn->active_ms = direct_ms;
    }
    if (conn->active_ms + loop->options.idle_ms > loop->now_ms) {
      watch_idle(loop, conn);
    } else {
      sea__stat_add(&loop->stats.idle_timeouts, 1);
      sea__conn_close(loop, conn, SEA_CLOSE_IDLE, false);
    }
  }
}
