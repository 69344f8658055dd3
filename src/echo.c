/* The echo: what is received is sent back, without the host.
 *
 * A receive buffer is sent as it is, and goes back to the kernel when the send has completed. There
 * are only so many, and they serve all connections, so a send of them does not wait: when the peer
 * does not take it at once, what is queued moves to memory of the connection's own, which is
 * bounded by no longer receiving from such a peer. Peers that read cost no copy and no allocation;
 * one that does not costs only itself. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loop.h"

/* Receiving stops above this many queued bytes, and goes on at half of it. What had arrived when it
 * stopped may come on top. */
#define QUEUED_MAX 65536U

static uint64_t
queued(const sea_conn_t *conn)
{
  return atomic_load_explicit(&conn->queued_bytes, memory_order_relaxed);
}

static sea_chunk_t *
heap_chunk(sea_loop_t *loop, size_t len)
{
  sea_chunk_t *chunk = sea__chunk_acquire(&loop->chunks);
  char *bytes = chunk == NULL ? NULL : malloc(len);
  if (bytes == NULL) {
    if (chunk != NULL) {
      sea__chunk_release(&loop->chunks, chunk);
    }
    return NULL;
  }
  *chunk = (sea_chunk_t){.data = bytes, .len = len, .memory = SEA_MEMORY_HEAP};
  return chunk;
}

static bool
waits_for_peer(const sea_conn_t *conn)
{
  return conn->queue.head != NULL && conn->queue.head->memory == SEA_MEMORY_HEAP;
}

/* The send queue is all of receive buffers or all of own memory: a waiting send must have none of
 * the former behind it. */
static sea_chunk_t *
chunk_for(sea_loop_t *loop, const sea_conn_t *conn, const sea_event_t *event)
{
  const char *data = sea__loop_data(loop, event);
  size_t len = (size_t)event->result;
  if (waits_for_peer(conn)) {
    sea_chunk_t *copy = heap_chunk(loop, len);
    if (copy != NULL) {
      memcpy((char *)(uintptr_t)copy->data, data, len);
      sea__loop_release(loop, event);
    }
    return copy;
  }
  sea_chunk_t *chunk = sea__chunk_acquire(&loop->chunks);
  if (chunk != NULL) {
    *chunk = (sea_chunk_t){.data = data,
                           .len = len,
                           .memory = SEA_MEMORY_BUFFER,
                           .area = (event->marks & SEA_MARK_AREA) != 0,
                           .buffer_id = event->buffer_id,
                           .offset = event->offset};
  }
  return chunk;
}

static void
send_back(sea_loop_t *loop, sea_conn_t *conn, const sea_event_t *event)
{
  sea_chunk_t *chunk = conn->send_error == 0 ? chunk_for(loop, conn, event) : NULL;
  if (chunk == NULL) {
    sea__loop_release(loop, event);
    sea__conn_close(loop, conn, SEA_CLOSE_NO_MEMORY, true);
    return;
  }
  sea__send_append(loop, conn, chunk);
  if (!conn->paused && queued(conn) > QUEUED_MAX) {
    sea__recv_pause(loop, conn);
  }
}

void
sea__echo_event(sea_loop_t *loop, sea_conn_t *conn, const sea_event_t *event)
{
  switch (event->kind) {
  case SEA_EVENT_DATA:
    send_back(loop, conn, event);
    break;
  case SEA_EVENT_END:
    conn->write_end = SEA_WRITE_SHUTTING;
    break;
  case SEA_EVENT_SHUTDOWN:
  case SEA_EVENT_ERROR:
    sea__conn_close(loop, conn, SEA_CLOSE_ASKED, false);
    break;
  case SEA_EVENT_CLOSED:
    sea__loop_release(loop, event);
    break;
  default:
    break;
  }
}

/* Moves what is queued out of the receive buffers, into one chunk. */
static bool
move_out(sea_loop_t *loop, sea_conn_t *conn)
{
  sea_chunk_t *moved = heap_chunk(loop, (size_t)queued(conn));
  if (moved == NULL) {
    return false;
  }
  char *to = (char *)(uintptr_t)moved->data;
  while (conn->queue.head != NULL) {
    sea_chunk_t *chunk = sea__chunk_shift(&conn->queue);
    size_t len = chunk->len - conn->head_sent;
    memcpy(to, chunk->data + conn->head_sent, len);
    to += len;
    conn->head_sent = 0;
    sea__send_chunk_done(loop, conn, chunk);
  }
  sea__chunk_append(&conn->queue, moved);
  return true;
}

void
sea__echo_sent(sea_loop_t *loop, sea_conn_t *conn, int32_t result)
{
  if (conn->state != SEA_CONN_OPEN) {
    return;
  }
  if (result == -EAGAIN && conn->queue.head != NULL && !waits_for_peer(conn) &&
      !move_out(loop, conn)) {
    sea__conn_close(loop, conn, SEA_CLOSE_NO_MEMORY, true);
  } else if (conn->paused && queued(conn) <= QUEUED_MAX / 2) {
    sea__recv_resume(loop, conn);
  }
}
