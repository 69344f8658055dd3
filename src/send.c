/* Sending: one operation in flight per connection, so bytes leave in the order they were queued. */
#include <errno.h>
#include <stdlib.h>

#include "http/reply.h"
#include "loop.h"
#include "sock.h"

/* Progress of a long queue is seen, and its idle stamp renewed, at least this often. */
#define SEND_BYTES_MAX (16U << 20)
#define LAST_ATTEMPT_PARTS 64

static void
set_queued(sea_conn_t *conn, uint64_t bytes)
{
  atomic_store_explicit(&conn->queued_bytes, bytes, memory_order_relaxed);
}

static uint64_t
queued(const sea_conn_t *conn)
{
  return atomic_load_explicit(&conn->queued_bytes, memory_order_relaxed);
}

/* Release: the host may send by itself once it sees that everything is over. */
static void
count_done(sea_conn_t *conn)
{
  uint32_t done = atomic_load_explicit(&conn->host_done, memory_order_relaxed);
  atomic_store_explicit(&conn->host_done, done + 1, memory_order_release);
}

void
sea__send_queue(sea_loop_t *loop, sea_conn_t *conn, const sea_command_t *command)
{
  if (conn->state != SEA_CONN_OPEN) {
    return; /* the CLOSED event answers for it */
  }
  if (conn->send_error != 0 || conn->write_end != SEA_WRITE_OPEN) {
    count_done(conn);
    if (command->last) {
      int32_t error = conn->send_error != 0 ? conn->send_error : -EPIPE;
      sea__loop_emit(loop, SEA_EVENT_SENT, conn, error);
    }
    return;
  }
  sea_chunk_t *chunk = sea__chunk_acquire(&loop->chunks);
  if (chunk == NULL) {
    sea__conn_close(loop, conn, SEA_CLOSE_NO_MEMORY, true);
    return;
  }
  chunk->data = command->data;
  chunk->len = command->len;
  chunk->last = command->last;
  chunk->memory = SEA_MEMORY_HOST;
  sea__send_append(loop, conn, chunk);
}

void
sea__send_append(sea_loop_t *loop, sea_conn_t *conn, sea_chunk_t *chunk)
{
  sea__chunk_append(&conn->queue, chunk);
  set_queued(conn, queued(conn) + chunk->len);
  sea__loop_todo(loop, conn);
}

void
sea__send_chunk_done(sea_loop_t *loop, sea_conn_t *conn, sea_chunk_t *chunk)
{
  switch ((sea_memory_t)chunk->memory) {
  case SEA_MEMORY_HOST:
    count_done(conn);
    break;
  case SEA_MEMORY_PAYLOAD:
    sea__outbox_done(loop, conn, chunk->payload);
    break;
  case SEA_MEMORY_BUFFER:
    sea__loop_give_buffer(loop, chunk->area, chunk->buffer_id, chunk->offset);
    break;
  case SEA_MEMORY_HEAP:
    free((void *)(uintptr_t)chunk->data);
    break;
  case SEA_MEMORY_RENDER:
    sea__http_render_done(chunk->render);
    break;
  case SEA_MEMORY_STATIC:
    break;
  }
  sea__chunk_release(&loop->chunks, chunk);
}

/* Returns how many bytes. */
static size_t
prepare_gathered(sea_conn_t *conn, struct io_uring_sqe *sqe, int fd, unsigned flags)
{
  sea_gather_t *gather = conn->gather;
  int n = sea__chunk_gather(&conn->queue, conn->head_sent, SEND_BYTES_MAX, gather->parts,
                            SEA_GATHER_MAX);
  gather->header = (struct msghdr){.msg_iov = gather->parts, .msg_iovlen = (size_t)n};
  io_uring_prep_sendmsg(sqe, fd, &gather->header, flags);
  size_t bytes = 0;
  for (int i = 0; i < n; i++) {
    bytes += gather->parts[i].iov_len;
  }
  return bytes;
}

static size_t
prepare_alone(sea_conn_t *conn, struct io_uring_sqe *sqe, int fd, unsigned flags)
{
  const sea_chunk_t *head = conn->queue.head;
  size_t len = head->len - conn->head_sent;
  len = len > SEND_BYTES_MAX ? SEND_BYTES_MAX : len;
  io_uring_prep_send(sqe, fd, head->data + conn->head_sent, len, (int)flags);
  return len;
}

/* Chunks of no bytes at the head have nothing to send, but may be waited for. True when one was,
 * and was told of: one event a step, the next pass goes on. */
static bool
skip_empty(sea_loop_t *loop, sea_conn_t *conn)
{
  while (!conn->sending && conn->queue.head != NULL && conn->queue.head->len == 0) {
    sea_chunk_t *chunk = sea__chunk_shift(&conn->queue);
    bool last = chunk->last;
    sea__send_chunk_done(loop, conn, chunk);
    sea__outbox_relieve(loop, conn);
    if (last) {
      sea__loop_emit(loop, SEA_EVENT_SENT, conn, 0);
      sea__loop_todo(loop, conn);
      return true;
    }
  }
  return false;
}

bool
sea__send_service(sea_loop_t *loop, sea_conn_t *conn)
{
  if (skip_empty(loop, conn) || conn->sending || conn->queue.head == NULL) {
    return true;
  }
  struct io_uring_sqe *sqe = sea__ring_sqe(&loop->ring);
  if (sqe == NULL) {
    return false;
  }
  int fd = atomic_load_explicit(&conn->fd, memory_order_relaxed);
  const sea_chunk_t *head = conn->queue.head;
  bool alone = head->next == NULL || head->last;
  /* Receive buffers are everybody's: a send of them does not wait for one slow peer. */
  unsigned flags = MSG_NOSIGNAL | (head->memory == SEA_MEMORY_BUFFER ? MSG_DONTWAIT : 0U);
  conn->gather = alone ? NULL : sea__gather_acquire(&loop->chunks);
  size_t bytes = conn->gather != NULL ? prepare_gathered(conn, sqe, fd, flags)
                                      : prepare_alone(conn, sqe, fd, flags);
  if (head->memory != SEA_MEMORY_BUFFER) {
    sea__zero_copy_prepare(loop, conn, sqe, bytes);
  }
  sea__ring_start(&loop->ring, sqe, sea__ring_tag(SEA_OP_SEND, sea__conn_id(conn)));
  conn->sending = true;
  return true;
}

/* Whether a SENT event may be emitted: of a connection that closes once, in whatever step. */
static bool
may_say_sent(sea_conn_t *conn)
{
  if (conn->state == SEA_CONN_OPEN) {
    return true;
  }
  bool first = !conn->reset && !conn->last_sent;
  conn->last_sent = true;
  return first;
}

/* Takes n sent bytes off the queue. An operation ends at the first chunk marked `last`, so there is
 * at most one SENT event. */
static void
advance(sea_loop_t *loop, sea_conn_t *conn, size_t n)
{
  set_queued(conn, queued(conn) - n);
  conn->active_ms = loop->now_ms;
  sea__stat_add(&loop->stats.bytes_sent, n);
  while (conn->queue.head != NULL && n >= conn->queue.head->len - conn->head_sent) {
    sea_chunk_t *chunk = sea__chunk_shift(&conn->queue);
    n -= chunk->len - conn->head_sent;
    conn->head_sent = 0;
    bool told = chunk->last && may_say_sent(conn);
    sea__send_chunk_done(loop, conn, chunk);
    if (told) {
      sea__loop_emit(loop, SEA_EVENT_SENT, conn, 0);
      break; /* chunks of no bytes may follow; service answers each in a step of its own */
    }
  }
  conn->head_sent += n;
}

void
sea__send_drop_queue(sea_loop_t *loop, sea_conn_t *conn)
{
  while (conn->queue.head != NULL) {
    sea__send_chunk_done(loop, conn, sea__chunk_shift(&conn->queue));
  }
  conn->head_sent = 0;
  set_queued(conn, 0);
}

void
sea__send_last_attempt(sea_loop_t *loop, sea_conn_t *conn)
{
  struct iovec parts[LAST_ATTEMPT_PARTS];
  int fd = atomic_load_explicit(&conn->fd, memory_order_relaxed);
  ssize_t sent = 0;
  while (conn->queue.head != NULL && sent >= 0) { /* 0: there were empty chunks alone */
    int n = sea__chunk_gather(&conn->queue, conn->head_sent, SEND_BYTES_MAX, parts,
                              LAST_ATTEMPT_PARTS);
    sent = sea__sock_send_now(fd, parts, n);
    if (sent >= 0) {
      advance(loop, conn, (size_t)sent);
    }
  }
  sea__send_drop_queue(loop, conn);
}

static void
fail(sea_loop_t *loop, sea_conn_t *conn, int32_t error)
{
  conn->send_error = error;
  atomic_store_explicit(&conn->sealed, true, memory_order_relaxed);
  bool waited = false;
  bool kept = false;
  for (const sea_chunk_t *chunk = conn->queue.head; chunk != NULL; chunk = chunk->next) {
    waited |= chunk->last;
    kept |= chunk->memory != SEA_MEMORY_HOST;
  }
  sea__send_drop_queue(loop, conn);
  if (waited) {
    /* One answer for everything that was queued: a stream that failed stays failed. */
    sea__loop_emit(loop, SEA_EVENT_SENT, conn, error);
  }
  if (kept) {
    /* Of these nobody waits for a SENT. */
    sea__loop_emit(loop, SEA_EVENT_ERROR, conn, error);
  }
}

void
sea__on_send(sea_loop_t *loop, sea_conn_t *conn, int32_t result, uint32_t flags)
{
  if (conn->zero_copy && !sea__zero_copy_over(loop, conn, &result, flags)) {
    return;
  }
  conn->sending = false;
  if (conn->gather != NULL) {
    sea__gather_release(&loop->chunks, conn->gather);
    conn->gather = NULL;
  }
  sea__loop_todo(loop, conn);
  if (result >= 0) {
    advance(loop, conn, (size_t)result);
  } else if (conn->state == SEA_CONN_OPEN && result != -EINTR && result != -EAGAIN) {
    fail(loop, conn, result);
  }
  sea__outbox_relieve(loop, conn);
  if (conn->answers == SEA_ANSWERS_ECHO) {
    sea__echo_sent(loop, conn, result);
  } else if (conn->answers == SEA_ANSWERS_HTTP) {
    sea__http_sent(loop, conn);
  }
}
