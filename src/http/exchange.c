/* Requests that have not been answered in full, their responses in turn, and a connection's end. */
#include <stdlib.h>
#include <string.h>

#include "http.h"

void
sea__http_drop_held(sea_http_conn_t *h)
{
  free(h->held);
  h->held = NULL;
  h->held_at = h->held_len = h->held_room = 0;
}

void
sea__http_drop_exchanges(sea_loop_t *loop, sea_http_conn_t *h)
{
  while (h->first != NULL) {
    sea_http_exchange_t *exchange = h->first;
    h->first = exchange->next;
    while (exchange->chunks.head != NULL) {
      sea__send_chunk_done(loop, h->conn, sea__chunk_shift(&exchange->chunks));
    }
    sea__http_exchange_release(loop->http, exchange);
  }
  h->last = NULL;
  h->current = NULL;
  h->count = 0;
}

/* FIN after what is queued, and the peer's FIN for a while. */
void
sea__http_finish(sea_loop_t *loop, sea_http_conn_t *h)
{
  sea__http_drop_exchanges(loop, h);
  sea__http_drop_held(h);
  h->over = true;
  h->phase = SEA_HTTP_PHASE_FINISHING;
  h->since_ms = loop->now_ms;
  sea__http_watch(loop->http, h);
  sea__answer_finish(loop, h->conn);
}

/* -- answers ---------------------------------------------------------------------------------- */

sea_chunk_t *
sea__http_append(sea_loop_t *loop, sea_http_conn_t *h, sea_http_exchange_t *exchange,
                 const char *data, size_t len, sea_memory_t memory)
{
  sea_chunk_t *chunk = sea__chunk_acquire(&loop->chunks);
  if (chunk == NULL) {
    sea__conn_close(loop, h->conn, SEA_CLOSE_NO_MEMORY, true);
    return NULL;
  }
  *chunk = (sea_chunk_t){.data = data, .len = len, .memory = (uint8_t)memory};
  sea__chunk_append(&exchange->chunks, chunk);
  return chunk;
}

/* Sends what is ready, in turn. */
void
sea__http_flush(sea_loop_t *loop, sea_http_conn_t *h)
{
  sea_http_exchange_t *exchange;
  while (sea__http_is_open(h) && (exchange = h->first) != NULL) {
    while (exchange->chunks.head != NULL) {
      sea__send_append(loop, h->conn, sea__chunk_shift(&exchange->chunks));
    }
    if (!exchange->done) {
      return;
    }
    h->first = exchange->next;
    h->last = h->first == NULL ? NULL : h->last;
    h->current = h->current == exchange ? NULL : h->current;
    h->count--;
    bool close = exchange->close;
    sea__http_exchange_release(loop->http, exchange);
    if (close) {
      sea__http_finish(loop, h);
      return;
    }
  }
}

void
sea__http_answer_fixed(sea_loop_t *loop, sea_http_conn_t *h, sea_http_exchange_t *exchange)
{
  sea_http_manner_t manner = SEA_HTTP_STAYS;
  if (exchange->close || (exchange->fixed->flags & SEA_HTTP_REPLY_CLOSE) != 0) {
    exchange->close = true;
    manner = SEA_HTTP_CLOSES;
  } else if ((exchange->flags & SEA_HTTP_1_0) != 0) {
    manner = SEA_HTTP_STAYS_1_0;
  }
  sea_http_render_t *render = sea__http_fixed_render(exchange->fixed, manner);
  if (render == NULL) {
    sea__conn_close(loop, h->conn, SEA_CLOSE_NO_MEMORY, true);
    return;
  }
  bool bare = (exchange->flags & SEA_HTTP_HEAD) != 0;
  sea_chunk_t *chunk = sea__http_append(loop, h, exchange, render->bytes,
                                        bare ? render->head_len : render->len, SEA_MEMORY_RENDER);
  if (chunk == NULL) {
    sea__http_render_done(render);
    return;
  }
  chunk->render = render;
  exchange->done = true;
  sea__stat_add(&loop->stats.http_fixed, 1);
}

sea_http_exchange_t *
sea__http_add_exchange(sea_loop_t *loop, sea_http_conn_t *h)
{
  sea_http_exchange_t *exchange = sea__http_exchange_acquire(loop->http);
  if (exchange == NULL) {
    sea__conn_close(loop, h->conn, SEA_CLOSE_NO_MEMORY, true);
    return NULL;
  }
  exchange->seq = ++h->seq;
  if (h->last == NULL) {
    h->first = exchange;
  } else {
    h->last->next = exchange;
  }
  h->last = exchange;
  h->count++;
  return exchange;
}

/* Answers the request that is being received, or what would have been one, and ends. A response
 * that the host has begun to give is cut off instead, and no second one follows on one that it has
 * given before the body had come. */
void
sea__http_refuse(sea_loop_t *loop, sea_http_conn_t *h, int status)
{
  sea__stat_add(&loop->stats.http_refused, 1);
  h->over = true;
  if (h->current == NULL && h->parser.part != SEA_HTTP_IN_HEAD) {
    sea__http_finish(loop, h);
    return;
  }
  sea_http_exchange_t *exchange = h->current != NULL ? h->current : sea__http_add_exchange(loop, h);
  if (exchange == NULL) {
    return;
  }
  const char *text = exchange->begun ? "" : sea__http_refusal(status);
  if (sea__http_append(loop, h, exchange, text, strlen(text), SEA_MEMORY_STATIC) != NULL) {
    h->current = NULL;
    exchange->done = true;
    exchange->close = true;
    sea__http_flush(loop, h);
  }
}

/* -- the host's responses --------------------------------------------------------------------- */

static sea_http_exchange_t *
find_exchange(const sea_http_conn_t *h, uint32_t seq)
{
  sea_http_exchange_t *exchange = h->first;
  while (exchange != NULL && exchange->seq != seq) {
    exchange = exchange->next;
  }
  return exchange == NULL || exchange->done || exchange->fixed != NULL ? NULL : exchange;
}

void
sea__http_response(sea_loop_t *loop, sea_conn_t *conn, const sea_command_t *command)
{
  /* The host wrote the payload before the command; it is ours to read, and to count. */
  sea_payload_t *payload = (sea_payload_t *)(uintptr_t)command->data;
  sea_http_conn_t *h = conn == NULL ? NULL : conn->http;
  bool usable = h != NULL && conn->state == SEA_CONN_OPEN && conn->send_error == 0 &&
                conn->write_end == SEA_WRITE_OPEN;
  sea_http_exchange_t *exchange = usable ? find_exchange(h, (uint32_t)command->len) : NULL;
  sea_chunk_t *chunk = exchange == NULL ? NULL
                                        : sea__http_append(loop, h, exchange, payload->data,
                                                           payload->len, SEA_MEMORY_PAYLOAD);
  if (chunk == NULL) {
    sea__outbox_discard(loop, conn, payload);
    return;
  }
  chunk->payload = payload;
  conn->sends_queued++;
  exchange->begun = true;
  if ((command->len & SEA_HTTP_LAST) != 0) {
    exchange->done = true;
    exchange->close |= (command->len & SEA_HTTP_CLOSE) != 0;
  }
  sea__http_flush(loop, h);
  if (conn->state == SEA_CONN_OPEN) {
    sea__http_go_on(loop, h);
    sea__http_update_phase(loop, h);
  }
}
