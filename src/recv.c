/* Receiving: one multishot receive per connection, into provided buffers.
 *
 * Pausing is a cancellation, and a cancellation is a conversation: what has arrived before it takes
 * effect is delivered, and nothing new is armed before the multishot's own last CQE. */
#include <errno.h>
#include <poll.h>

#include "compat.h"
#include "loop.h"

static bool
arm(sea_loop_t *loop, sea_conn_t *conn)
{
  struct io_uring_sqe *sqe = sea__ring_sqe(&loop->ring);
  if (sqe == NULL) {
    return false;
  }
  int fd = atomic_load_explicit(&conn->fd, memory_order_relaxed);
  if (loop->listener.is_local) {
    /* A multishot on a Unix socket may see the bytes and never the end (seen on 6.18), if the peer
     * has written much and ended before it is looked at. */
    io_uring_prep_recv(sqe, fd, NULL, 0, 0);
  } else {
    io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
  }
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = SEA_BUFFER_GROUP;
  if (loop->recv_bundles == SEA_PATH_ON) {
    sqe->ioprio |= SEA_IORING_RECVSEND_BUNDLE;
  }
  sea__ring_start(&loop->ring, sqe, sea__ring_tag(SEA_OP_RECV, sea__conn_id(conn)));
  conn->recv = SEA_RECV_ARMED;
  return true;
}

static bool
cancel(sea_loop_t *loop, sea_conn_t *conn)
{
  struct io_uring_sqe *sqe = sea__ring_sqe(&loop->ring);
  if (sqe == NULL) {
    return false;
  }
  sea_conn_id_t id = sea__conn_id(conn);
  sea_op_t op = sea__zcrx_serves(loop, conn) ? SEA_OP_RECV_ZC : SEA_OP_RECV;
  io_uring_prep_cancel64(sqe, sea__ring_tag(op, id), 0);
  sea__ring_start(&loop->ring, sqe, sea__ring_tag(SEA_OP_CANCEL_RECV, id));
  conn->recv = SEA_RECV_CANCELLING;
  return true;
}

static void
starve(sea_loop_t *loop, sea_conn_t *conn)
{
  conn->recv = SEA_RECV_STARVED;
  sea__stat_add(&loop->stats.buffer_starvations, 1);
  /* Who was armed and found the buffers taken again keeps its turn. */
  sea__list_append(conn->hungry ? &loop->starved_first : &loop->starved, &conn->waiting);
}

bool
sea__recv_watch(sea_loop_t *loop, sea_conn_t *conn)
{
  if (!loop->options.watch_resets || loop->listener.is_local || conn->watch != SEA_WATCH_NONE) {
    return true;
  }
  struct io_uring_sqe *sqe = sea__ring_sqe(&loop->ring);
  if (sqe == NULL) {
    return false;
  }
  int fd = atomic_load_explicit(&conn->fd, memory_order_relaxed);
  /* The kernel adds RDHUP: a FIN ends the watch as well, and no data follows it. */
  io_uring_prep_poll_add(sqe, fd, POLLERR | POLLHUP);
  sea__ring_start(&loop->ring, sqe, sea__ring_tag(SEA_OP_WATCH, sea__conn_id(conn)));
  conn->watch = SEA_WATCH_ARMED;
  return true;
}

void
sea__on_watch(sea_loop_t *loop, sea_conn_t *conn, int32_t result)
{
  conn->watch = SEA_WATCH_OVER;
  /* From 6.5 until a correction of 2026, a multishot that finds bytes and a reset at once tells of
   * the bytes, and is not woken again. Armed anew it fails with what the socket has by now. */
  conn->look_again = result > 0 && sea__conn_receiving(conn);
  sea__loop_todo(loop, conn); /* one that is being closed has been waiting for this */
}

bool
sea__recv_service(sea_loop_t *loop, sea_conn_t *conn)
{
  if (conn->recv == SEA_RECV_ARMED && (conn->paused || conn->look_again)) {
    return cancel(loop, conn);
  }
  if (conn->paused || conn->recv != SEA_RECV_IDLE) {
    return true;
  }
  conn->look_again = false;
  sea__zcrx_reconsider(loop, conn);
  if (sea__zcrx_serves(loop, conn)) {
    return sea__zcrx_arm(loop, conn);
  }
  /* A multishot armed on an empty buffer ring completes at once with -ENOBUFS, data or no data. */
  if (loop->buffers.provided == 0 && !sea__bufring_grow(&loop->buffers, false)) {
    starve(loop, conn);
    return true;
  }
  return arm(loop, conn);
}

void
sea__recv_pause(sea_loop_t *loop, sea_conn_t *conn)
{
  conn->paused = true;
  if (conn->recv == SEA_RECV_STARVED) {
    sea__list_remove(&conn->waiting);
    conn->recv = SEA_RECV_IDLE;
  }
  sea__loop_todo(loop, conn);
}

void
sea__recv_resume(sea_loop_t *loop, sea_conn_t *conn)
{
  conn->paused = false;
  sea__loop_todo(loop, conn);
}

void
sea__recv_feed_starved(sea_loop_t *loop)
{
  uint32_t n = loop->buffers.provided;
  for (; n > 0 && sea__loop_starved(loop); n--) {
    bool again = !sea__list_empty(&loop->starved_first);
    sea_list_t *from = again ? &loop->starved_first : &loop->starved;
    sea_conn_t *conn = sea_container_of(sea__list_shift(from), sea_conn_t, waiting);
    conn->recv = SEA_RECV_IDLE;
    conn->hungry = true;
    /* In this order, also those that were on the list for something else: who comes first may take
     * every buffer there is, and must not be the same one every time. */
    sea__list_remove(&conn->todo);
    sea__loop_todo(loop, conn);
  }
}

static void
on_data(sea_loop_t *loop, sea_conn_t *conn, int32_t len, uint16_t buffer_id, bool more)
{
  uint32_t bytes = len > 0 ? (uint32_t)len : 0;
  uint32_t offset = sea__bufring_take(&loop->buffers, buffer_id, bytes, more);
  if (conn->state != SEA_CONN_OPEN || bytes == 0) {
    sea__bufring_recycle(&loop->buffers, buffer_id);
    return;
  }
  conn->hungry = false;
  conn->detour_empty = false;
  conn->active_ms = loop->now_ms;
  sea__stat_add(&loop->stats.bytes_received, (uint64_t)len);
  sea__stat_add(&loop->stats.buffers_in_use, 1);
  sea__loop_emit_data(loop, conn, len, buffer_id, offset);
}

/* The multishot is over: why, and what follows. */
static void
on_last(sea_loop_t *loop, sea_conn_t *conn, int32_t result)
{
  conn->recv = SEA_RECV_IDLE;
  sea__loop_todo(loop, conn);
  if (conn->state != SEA_CONN_OPEN || result == -ECANCELED) {
    return;
  }
  if (result > 0 || result == -EAGAIN || result == -EINTR) {
    sea__stat_add(&loop->stats.multishot_rearms, loop->listener.is_local ? 0 : 1);
  } else if (result == -ENOBUFS) {
    /* With more buffers in the ring, service arms it again like any other. Who finds none a second
     * time gets more, though there are some again: others are quicker. */
    if (sea__bufring_grow(&loop->buffers, conn->hungry)) {
      conn->hungry = true;
    } else if (!conn->paused) {
      starve(loop, conn);
    }
  } else if (result == -EFAULT && conn->detour) {
    sea__zcrx_end_detour(loop, conn);
  } else {
    conn->recv = SEA_RECV_ENDED;
    sea__loop_emit(loop, result == 0 ? SEA_EVENT_END : SEA_EVENT_ERROR, conn, result);
  }
}

static void
start_bundle(sea_loop_t *loop, sea_conn_t *conn, int32_t result, uint32_t flags)
{
  uint32_t size = loop->buffers.size;
  loop->bundle = (sea_bundle_t){
      .conn = conn,
      .remaining = result,
      .result = result,
      .flags = flags,
      .buffer_id = (uint16_t)(flags >> IORING_CQE_BUFFER_SHIFT),
  };
  sea__stat_add(&loop->stats.bundle_completions, 1);
  sea__stat_add(&loop->stats.bundle_buffers, ((uint32_t)result + size - 1) / size);
  sea__stat_add(&loop->stats.bundle_bytes, (uint64_t)result);
}

/* One event per buffer: each goes back by itself. */
void
sea__recv_unbundle(sea_loop_t *loop)
{
  sea_bundle_t *bundle = &loop->bundle;
  sea_conn_t *conn = bundle->conn;
  int32_t len = (int32_t)sea__min_u32((uint32_t)bundle->remaining, loop->buffers.size);
  uint16_t next = sea__bufring_next(&loop->buffers,
                                    bundle->buffer_id); /* before it is given again */
  on_data(loop, conn, len, bundle->buffer_id, false);
  bundle->buffer_id = next;
  bundle->remaining -= len;
  if (bundle->remaining == 0) {
    bundle->conn = NULL;
    if ((bundle->flags & IORING_CQE_F_MORE) == 0) {
      on_last(loop, conn, bundle->result);
    }
  }
}

void
sea__on_recv(sea_loop_t *loop, sea_conn_t *conn, int32_t result, uint32_t flags)
{
  if (flags & IORING_CQE_F_BUFFER) {
    if (loop->recv_bundles == SEA_PATH_ON && result > (int32_t)loop->buffers.size) {
      start_bundle(loop, conn, result, flags);
      return; /* sea__loop_reap() goes on with it */
    }
    on_data(loop, conn, result, (uint16_t)(flags >> IORING_CQE_BUFFER_SHIFT),
            (flags & SEA_IORING_CQE_F_BUF_MORE) != 0);
  }
  if ((flags & IORING_CQE_F_MORE) == 0) {
    on_last(loop, conn, result);
  }
}

/* The cancellation has done what it could. If it missed (the kernel was just moving data), the
 * multishot is still in flight and a connection that still needs it tries again. */
void
sea__on_cancel_recv(sea_loop_t *loop, sea_conn_t *conn)
{
  if (conn->recv == SEA_RECV_CANCELLING) {
    conn->recv = SEA_RECV_ARMED;
    sea__loop_todo(loop, conn);
  }
}
