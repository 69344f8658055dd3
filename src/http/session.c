/* HTTP connections: from received bytes to requests, and from responses to bytes, in order.
 *
 * A request that was parsed is an *exchange* until its response has been queued. Responses may be
 * given in any order; they leave in that of the requests. When too many exchanges are open, or too
 * much is unsent, what arrives is *held*, in memory of the connection's own, and receiving pauses:
 * the peer waits, and nobody else. */
#include <stdlib.h>
#include <string.h>

#include "http.h"

/* Above this many unsent bytes no more requests are looked at. */
#define UNSENT_MAX (256U << 10)

/* -- requests --------------------------------------------------------------------------------- */

static char *
put(char *out, sea_http_text_t text)
{
  if (text.len > 0) {
    memcpy(out, text.at, text.len);
  }
  return out + text.len;
}

static void
fill_record(sea_http_record_t *record, const sea_http_message_t *message)
{
  uint32_t *lengths = (uint32_t *)(void *)(record + 1);
  char *out = put((char *)(lengths + (size_t)message->count * 2), message->url);
  for (uint32_t i = 0; i < message->count; i++) {
    const sea_http_field_t *field = &message->fields[i];
    *lengths++ = field->name.len;
    *lengths++ = field->value.len;
    out = put(put(out, field->name), field->value);
  }
}

void
sea__http_tell_record(sea_loop_t *loop, sea_http_conn_t *h, sea_event_kind_t kind, uint32_t seq,
                      bool complete)
{
  if (!sea__http_is_open(h)) {
    return;
  }
  const sea_http_message_t *message = &loop->http->shared.message;
  size_t size = sizeof(sea_http_record_t) + (size_t)message->count * 8 + message->url.len;
  for (uint32_t i = 0; i < message->count; i++) {
    size += message->fields[i].name.len + message->fields[i].value.len;
  }
  uint16_t index;
  char *block = sea__http_block_acquire(&loop->http->blocks, (uint32_t)size, &index);
  if (block == NULL) {
    sea__conn_close(loop, h->conn, SEA_CLOSE_NO_MEMORY, true);
    return;
  }
  sea_http_record_t *record = (sea_http_record_t *)(void *)block;
  *record = (sea_http_record_t){
      .seq = seq,
      .method = message->method,
      .flags = message->flags | (complete ? SEA_HTTP_RECORD_COMPLETE : 0U),
      .head_bytes = message->head_bytes,
      .url_len = message->url.len,
      .count = message->count,
  };
  fill_record(record, message);
  sea_event_t event = {
      .kind = (uint8_t)kind, .marks = SEA_MARK_BLOCK, .buffer_id = index, .result = (int32_t)size};
  sea__loop_tell(loop, h->conn, &event);
}

void
sea__http_tell_data(sea_loop_t *loop, sea_http_conn_t *h, sea_http_input_t *input, const char *data,
                    size_t len)
{
  if (!sea__http_is_open(h)) {
    return;
  }
  sea_event_t event = {.kind = SEA_EVENT_DATA, .result = (int32_t)len};
  if (input->event != NULL) {
    event.marks = SEA_MARK_KEEP | (input->event->marks & SEA_MARK_AREA);
    event.buffer_id = input->event->buffer_id;
    event.offset = input->event->offset + (uint32_t)(data - sea__loop_data(loop, input->event));
  } else {
    event.marks = SEA_MARK_BLOCK;
    char *block = sea__http_block_acquire(&loop->http->blocks, (uint32_t)len, &event.buffer_id);
    if (block == NULL) {
      sea__conn_close(loop, h->conn, SEA_CLOSE_NO_MEMORY, true);
      return;
    }
    memcpy(block, data, len);
  }
  sea__loop_tell(loop, h->conn, &event);
  if (input->event != NULL && !loop->discarding) {
    input->last = sea__events_last(&loop->events);
  }
}

static void
complete_message(sea_loop_t *loop, sea_http_conn_t *h, bool told)
{
  sea_http_exchange_t *exchange = h->current;
  h->current = NULL;
  h->over |= h->last_request;
  if (exchange == NULL) {
    return; /* answered already */
  }
  if (exchange->fixed != NULL) {
    sea__http_answer_fixed(loop, h, exchange);
    sea__http_flush(loop, h);
  } else if (!told) {
    sea_event_t event = {.kind = SEA_EVENT_REQUEST_END};
    sea__loop_tell(loop, h->conn, &event);
  }
}

static void
begin_request(sea_loop_t *loop, sea_http_conn_t *h, bool complete)
{
  const sea_http_message_t *message = &loop->http->shared.message;
  sea__stat_add(&loop->stats.http_requests, 1);
  sea_http_exchange_t *exchange = sea__http_add_exchange(loop, h);
  if (exchange == NULL) {
    return;
  }
  h->served = true;
  h->current = exchange;
  exchange->flags = message->flags;
  exchange->close = (message->flags & SEA_HTTP_KEEP_ALIVE) == 0;
  exchange->fixed = sea__http_route(loop->http, message);
  h->last_request = exchange->close;
  if (exchange->fixed == NULL) {
    sea__http_tell_record(loop, h, SEA_EVENT_REQUEST, exchange->seq, complete);
  }
  if ((message->flags & SEA_HTTP_CONTINUE) != 0 && !complete &&
      sea__http_append(loop, h, exchange, SEA_HTTP_100_CONTINUE, sizeof SEA_HTTP_100_CONTINUE - 1,
                       SEA_MEMORY_STATIC) != NULL) {
    sea__http_flush(loop, h); /* when its turn comes: a peer that is not asked goes on by itself */
  }
  if (complete) {
    complete_message(loop, h, true);
  }
}

/* -- what arrives ----------------------------------------------------------------------------- */

static bool
is_crowded(const sea_loop_t *loop, const sea_http_conn_t *h)
{
  if (loop->http->facade) {
    return h->told >= loop->http->pipeline_max; /* the rest in a step of its own */
  }
  return h->count >= loop->http->pipeline_max ||
         atomic_load_explicit(&h->conn->queued_bytes, memory_order_relaxed) > UNSENT_MAX;
}

static void
take_step(sea_loop_t *loop, sea_http_conn_t *h, sea_http_input_t *input, const char *data,
          const sea_http_step_t *step)
{
  switch (step->kind) {
  case SEA_HTTP_MORE:
    break;
  case SEA_HTTP_REQUEST:
    begin_request(loop, h, step->complete);
    break;
  case SEA_HTTP_DATA:
    if (step->body_len > 0 && h->current != NULL && h->current->fixed == NULL) {
      sea__http_tell_data(loop, h, input, data, step->body_len);
    }
    if (step->complete && sea__http_is_open(h)) {
      complete_message(loop, h, false);
    }
    break;
  case SEA_HTTP_REFUSED:
    sea__http_refuse(loop, h, step->status);
    break;
  }
}

/* Before the host can hear of the request. */
static void
count_head(sea_conn_t *conn)
{
  uint32_t heads = atomic_load_explicit(&conn->heads, memory_order_relaxed);
  atomic_store_explicit(&conn->heads, heads + 1, memory_order_relaxed);
}

/* Parses until the bytes are used up, or no more are wanted for now. Returns how many were used. */
static size_t
consume(sea_loop_t *loop, sea_http_conn_t *h, sea_http_input_t *input, char *data, size_t len)
{
  size_t used = 0;
  while (used < len && !h->over && sea__http_is_open(h)) {
    sea_http_step_t step;
    if (h->raw) {
      sea__http_tell_data(loop, h, input, data + used, len - used);
      return len;
    }
    bool between = sea__http_parser_between(&h->parser);
    if (between && is_crowded(loop, h)) {
      break;
    }
    input->in_head = h->parser.part == SEA_HTTP_IN_HEAD;
    input->kept = h->parser.kept_len;
    sea__http_parse(&h->parser, data + used, len - used, &step);
    if (between && (step.kind != SEA_HTTP_MORE || !sea__http_parser_between(&h->parser))) {
      h->since_ms = loop->now_ms; /* empty lines between requests are no beginning */
      if (!h->counted) {
        count_head(h->conn);
      }
      h->counted = false;
    }
    if (loop->http->facade) {
      used += sea__http_facade_step(loop, h, input, data + used, len - used, &step);
    } else {
      take_step(loop, h, input, data + used, &step);
      used += step.used;
    }
  }
  return h->over ? len : used;
}

/* What is held begins a request of which nothing has been told. */
static void
count_held(sea_http_conn_t *h)
{
  if (h->held != NULL && !h->counted && sea__http_parser_between(&h->parser)) {
    count_head(h->conn);
    h->counted = true;
  }
}

static void
hold(sea_loop_t *loop, sea_http_conn_t *h, const char *data, size_t len)
{
  size_t needed = h->held_len + len;
  if (needed > h->held_room) {
    size_t room = h->held_room * 2 > needed ? h->held_room * 2 : needed;
    char *grown = realloc(h->held, room);
    if (grown == NULL) {
      sea__conn_close(loop, h->conn, SEA_CLOSE_NO_MEMORY, true);
      return;
    }
    h->held = grown;
    h->held_room = room;
  }
  memcpy(h->held + h->held_len, data, len);
  h->held_len = needed;
  count_held(h);
  if (loop->http->facade) {
    sea__loop_todo(loop, h->conn); /* the next step goes on; pausing is the host's affair */
  } else if (!h->conn->paused) {
    sea__recv_pause(loop, h->conn);
  }
}

static void
on_data(sea_loop_t *loop, sea_http_conn_t *h, const sea_event_t *event)
{
  sea_http_input_t input = {.event = event};
  char *data = sea__loop_data(loop, event);
  h->told = 0;
  size_t len = (size_t)event->result;
  size_t used = h->held != NULL ? 0 : consume(loop, h, &input, data, len);
  if (used < len && !h->over && sea__http_is_open(h)) {
    hold(loop, h, data + used, len - used);
  }
  if (input.last != NULL) {
    input.last->marks &= (uint8_t)~SEA_MARK_KEEP;
  } else {
    sea__loop_release(loop, event);
  }
  sea__http_update_phase(loop, h);
}

/* The peer sends no more; it may still wait for answers. */
static void
settle(sea_loop_t *loop, sea_http_conn_t *h)
{
  if (!h->peer_ended || h->held != NULL || !sea__http_is_open(h)) {
    return;
  }
  if (loop->http->facade) {
    sea__http_facade_end(loop, h);
    return;
  }
  if (h->over) {
    return;
  }
  if (!sea__http_parser_between(&h->parser)) {
    sea__http_refuse(loop, h, 400);
  } else if (h->count == 0) {
    sea__http_finish(loop, h);
  } else {
    h->over = true;
    h->last->close = true;
  }
}

/* There may be room for what is held. It is much more than a step may bring, so that the host must
 * have room for each piece; otherwise service goes on. */
void
sea__http_go_on(sea_loop_t *loop, sea_http_conn_t *h)
{
  h->told = 0;
  if (h->held == NULL || !sea__http_is_open(h) ||
      (sea__http_parser_between(&h->parser) && is_crowded(loop, h))) {
    return;
  }
  bool first = true; /* who calls has seen to that */
  for (bool stuck = false; h->held != NULL && !stuck && sea__http_is_open(h); first = false) {
    if (!first && !sea__loop_has_room(loop)) {
      sea__loop_todo(loop, h->conn);
      break;
    }
    sea_http_input_t input = {0};
    uint32_t left = sea__min_u32((uint32_t)(h->held_len - h->held_at), loop->buffers.size);
    size_t used = consume(loop, h, &input, h->held + h->held_at, left);
    stuck = used == 0;
    h->held_at += used;
    if (h->held != NULL && h->held_at >= h->held_len) {
      sea__http_drop_held(h);
      if (!loop->http->facade) {
        sea__recv_resume(loop, h->conn);
      }
      settle(loop, h);
    }
  }
  count_held(h);
  sea__http_update_phase(loop, h);
}

/* -- what the loop calls ---------------------------------------------------------------------- */

bool
sea__http_open(sea_loop_t *loop, sea_conn_t *conn)
{
  sea_http_conn_t *h = sea__http_conn_acquire(loop->http);
  conn->answers = SEA_ANSWERS_HTTP;
  conn->http = h;
  if (h == NULL) {
    return false;
  }
  sea_http_conn_t *all = h->all;
  *h = (sea_http_conn_t){
      .all = all, .conn = conn, .due_ms = SEA_HTTP_NEVER, .since_ms = loop->now_ms};
  sea__list_init(&h->timer);
  sea__http_parser_init(&h->parser, &loop->http->shared);
  sea__http_watch(loop->http, h);
  return true;
}

static void
on_closed(sea_loop_t *loop, sea_conn_t *conn)
{
  sea_http_conn_t *h = conn->http;
  if (h == NULL) {
    return;
  }
  sea__http_drop_exchanges(loop, h);
  sea__timer_remove(&loop->http->timer, &h->timer);
  sea__http_conn_release(loop->http, h);
  conn->http = NULL;
}

void
sea__http_event(sea_loop_t *loop, sea_conn_t *conn, const sea_event_t *event)
{
  sea_http_conn_t *h = conn->http;
  sea_event_t copy = *event;
  switch (event->kind) {
  case SEA_EVENT_OPEN:
    if (loop->http->handler) {
      sea__loop_tell(loop, conn, &copy);
    }
    break;
  case SEA_EVENT_ERROR:
    if (loop->http->facade) {
      sea__loop_tell(loop, conn, &copy);
    } else {
      sea__conn_close(loop, conn, SEA_CLOSE_ASKED, false);
    }
    break;
  case SEA_EVENT_CLOSED:
    on_closed(loop, conn);
    if (loop->http->handler) {
      sea__loop_tell(loop, conn, &copy);
    } else {
      sea__loop_release(loop, event);
    }
    break;
  default:
    if (loop->http->facade && (h == NULL || event->kind > SEA_EVENT_END)) {
      sea__loop_tell(loop, conn, &copy);
    } else if (h == NULL || h->phase == SEA_HTTP_PHASE_FINISHING) {
      (void)sea__answer_finish_event(loop, conn, event);
    } else if (event->kind == SEA_EVENT_DATA) {
      on_data(loop, h, event);
    } else if (event->kind == SEA_EVENT_END) {
      h->peer_ended = true;
      settle(loop, h);
    }
    break;
  }
}

void
sea__http_sent(sea_loop_t *loop, sea_conn_t *conn)
{
  if (conn->http != NULL) {
    sea__http_go_on(loop, conn->http);
  }
}

void
sea__http_service(sea_loop_t *loop, sea_conn_t *conn)
{
  if (conn->http == NULL) {
    return;
  }
  if (!loop->http->facade) {
    sea__http_go_on(loop, conn->http);
    return;
  }
  while (conn->http->held != NULL && conn->state == SEA_CONN_OPEN && sea__loop_has_room(loop)) {
    sea__http_go_on(loop, conn->http);
  }
  if (conn->http->held != NULL) {
    sea__loop_todo(loop, conn);
  }
}
