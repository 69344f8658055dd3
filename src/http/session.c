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
/* How long a connection that we have ended waits for the peer's end. */
#define FINISH_MS SEA_FAREWELL_MS
#define NEVER UINT64_MAX

/* An event whose bytes are parsed: what of it was given on to the host. */
typedef struct input {
  const sea_event_t *event; /* NULL: the bytes are held ones */
  sea_event_t *last;        /* the last DATA event that refers to its buffer */
} input_t;

static bool
is_open(const sea_conn_t *conn)
{
  return conn->state == SEA_CONN_OPEN;
}

static void
give_up(sea_loop_t *loop, sea_conn_t *conn)
{
  sea__conn_close(loop, conn, SEA_CLOSE_NO_MEMORY, true);
}

bool
sea__http_has_room(const sea_loop_t *loop)
{
  return sea__http_blocks_room(&loop->http->blocks, loop->step_events);
}

void
sea__http_release_block(sea_loop_t *loop, uint16_t index)
{
  sea__http_block_release(&loop->http->blocks, index);
}

/* -- time limits ------------------------------------------------------------------------------ */

static uint64_t
after(uint64_t since, uint32_t ms)
{
  return ms == 0 ? NEVER : since + ms;
}

static uint64_t
deadline(const sea_http_t *http, const sea_http_conn_t *h)
{
  uint64_t head = after(h->since_ms, http->headers_ms);
  uint64_t request = after(h->since_ms, http->request_ms);
  switch ((sea_http_phase_t)h->phase) {
  case SEA_HTTP_PHASE_FRESH:
  case SEA_HTTP_PHASE_HEAD:
    return head < request ? head : request;
  case SEA_HTTP_PHASE_BODY:
    return request;
  case SEA_HTTP_PHASE_IDLE:
    return after(h->since_ms, http->keep_alive_ms);
  case SEA_HTTP_PHASE_FINISHING:
    return h->since_ms + FINISH_MS;
  case SEA_HTTP_PHASE_BUSY:
    break;
  }
  return NEVER;
}

/* The wheel is touched only when the connection is to be looked at sooner than it would be. */
static void
watch(sea_http_t *http, sea_http_conn_t *h)
{
  uint64_t due = deadline(http, h);
  if (due < h->due_ms) {
    sea__timer_remove(&http->timer, &h->timer);
    sea__timer_add(&http->timer, &h->timer, due);
    h->due_ms = due;
  }
}

/* What the connection is doing now. */
static void
update_phase(sea_loop_t *loop, sea_http_conn_t *h)
{
  sea_http_phase_t phase = SEA_HTTP_PHASE_BUSY;
  if (h->phase == SEA_HTTP_PHASE_FINISHING) {
    return;
  }
  if (!h->over && !sea__http_parser_between(&h->parser)) {
    phase = h->parser.part == SEA_HTTP_IN_HEAD ? SEA_HTTP_PHASE_HEAD : SEA_HTTP_PHASE_BODY;
  } else if (!h->over && h->count == 0) {
    phase = h->served ? SEA_HTTP_PHASE_IDLE : SEA_HTTP_PHASE_FRESH;
  }
  if (phase == SEA_HTTP_PHASE_IDLE && h->phase != phase) {
    h->since_ms = loop->now_ms;
  }
  h->phase = (uint8_t)phase;
  watch(loop->http, h);
}

/* -- the end ---------------------------------------------------------------------------------- */

static void
drop_held(sea_http_conn_t *h)
{
  free(h->held);
  h->held = NULL;
  h->held_at = h->held_len = h->held_room = 0;
}

static void
drop_exchanges(sea_loop_t *loop, sea_http_conn_t *h)
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
static void
finish(sea_loop_t *loop, sea_http_conn_t *h)
{
  drop_exchanges(loop, h);
  drop_held(h);
  h->over = true;
  h->phase = SEA_HTTP_PHASE_FINISHING;
  h->since_ms = loop->now_ms;
  watch(loop->http, h);
  sea__answer_finish(loop, h->conn);
}

/* -- answers ---------------------------------------------------------------------------------- */

static sea_chunk_t *
append_chunk(sea_loop_t *loop, sea_http_conn_t *h, sea_http_exchange_t *exchange, const char *data,
             size_t len, sea_memory_t memory)
{
  sea_chunk_t *chunk = sea__chunk_acquire(&loop->chunks);
  if (chunk == NULL) {
    give_up(loop, h->conn);
    return NULL;
  }
  *chunk = (sea_chunk_t){.data = data, .len = len, .memory = (uint8_t)memory};
  sea__chunk_append(&exchange->chunks, chunk);
  return chunk;
}

/* Sends what is ready, in turn. */
static void
flush(sea_loop_t *loop, sea_http_conn_t *h)
{
  sea_http_exchange_t *exchange;
  while (is_open(h->conn) && (exchange = h->first) != NULL) {
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
      finish(loop, h);
      return;
    }
  }
}

static void
answer_fixed(sea_loop_t *loop, sea_http_conn_t *h, sea_http_exchange_t *exchange)
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
    give_up(loop, h->conn);
    return;
  }
  bool bare = (exchange->flags & SEA_HTTP_HEAD) != 0;
  sea_chunk_t *chunk = append_chunk(loop, h, exchange, render->bytes,
                                    bare ? render->head_len : render->len, SEA_MEMORY_RENDER);
  if (chunk == NULL) {
    sea__http_render_done(render);
    return;
  }
  chunk->render = render;
  exchange->done = true;
  sea__stat_add(&loop->stats.http_fixed, 1);
}

static sea_http_exchange_t *
add_exchange(sea_loop_t *loop, sea_http_conn_t *h)
{
  sea_http_exchange_t *exchange = sea__http_exchange_acquire(loop->http);
  if (exchange == NULL) {
    give_up(loop, h->conn);
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
 * that the host has begun to give is cut off instead. */
static void
refuse(sea_loop_t *loop, sea_http_conn_t *h, int status)
{
  sea__stat_add(&loop->stats.http_refused, 1);
  h->over = true;
  sea_http_exchange_t *exchange = h->current != NULL ? h->current : add_exchange(loop, h);
  if (exchange == NULL) {
    return;
  }
  const char *text = exchange->begun ? "" : sea__http_refusal(status);
  if (append_chunk(loop, h, exchange, text, strlen(text), SEA_MEMORY_STATIC) != NULL) {
    h->current = NULL;
    exchange->done = true;
    exchange->close = true;
    flush(loop, h);
  }
}

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

static void
tell_request(sea_loop_t *loop, sea_http_conn_t *h, uint32_t seq, bool complete)
{
  const sea_http_message_t *message = &loop->http->shared.message;
  size_t size = sizeof(sea_http_record_t) + (size_t)message->count * 8 + message->url.len;
  for (uint32_t i = 0; i < message->count; i++) {
    size += message->fields[i].name.len + message->fields[i].value.len;
  }
  uint16_t index;
  char *block = sea__http_block_acquire(&loop->http->blocks, (uint32_t)size, &index);
  if (block == NULL) {
    give_up(loop, h->conn);
    return;
  }
  sea_http_record_t *record = (sea_http_record_t *)(void *)block;
  *record = (sea_http_record_t){
      .seq = seq,
      .method = message->method,
      .flags = message->flags | (complete ? SEA_HTTP_RECORD_COMPLETE : 0U),
      .url_len = message->url.len,
      .count = message->count,
  };
  fill_record(record, message);
  sea_event_t event = {.kind = SEA_EVENT_REQUEST,
                       .marks = SEA_MARK_BLOCK,
                       .buffer_id = index,
                       .result = (int32_t)size};
  sea__loop_tell(loop, h->conn, &event);
}

/* Bytes of a body. Those in a receive buffer stay there; held ones go to a block. */
static void
tell_data(sea_loop_t *loop, sea_http_conn_t *h, input_t *input, const char *data, size_t len)
{
  sea_event_t event = {.kind = SEA_EVENT_DATA, .result = (int32_t)len};
  if (input->event != NULL) {
    event.marks = SEA_MARK_KEEP;
    event.buffer_id = input->event->buffer_id;
    event.offset = (uint32_t)(data - sea__bufring_data(&loop->buffers, event.buffer_id));
  } else {
    event.marks = SEA_MARK_BLOCK;
    char *block = sea__http_block_acquire(&loop->http->blocks, (uint32_t)len, &event.buffer_id);
    if (block == NULL) {
      give_up(loop, h->conn);
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
    answer_fixed(loop, h, exchange);
    flush(loop, h);
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
  sea_http_exchange_t *exchange = add_exchange(loop, h);
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
    tell_request(loop, h, exchange->seq, complete);
  }
  if ((message->flags & SEA_HTTP_CONTINUE) != 0 && !complete &&
      append_chunk(loop, h, exchange, SEA_HTTP_100_CONTINUE, sizeof SEA_HTTP_100_CONTINUE - 1,
                   SEA_MEMORY_STATIC) != NULL) {
    flush(loop, h); /* when its turn comes: a peer that is not asked goes on by itself */
  }
  if (complete) {
    complete_message(loop, h, true);
  }
}

/* -- what arrives ----------------------------------------------------------------------------- */

static bool
is_crowded(const sea_loop_t *loop, const sea_http_conn_t *h)
{
  return h->count >= loop->http->pipeline_max ||
         atomic_load_explicit(&h->conn->queued_bytes, memory_order_relaxed) > UNSENT_MAX;
}

static void
take_step(sea_loop_t *loop, sea_http_conn_t *h, input_t *input, const char *data,
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
      tell_data(loop, h, input, data, step->body_len);
    }
    if (step->complete && is_open(h->conn)) {
      complete_message(loop, h, false);
    }
    break;
  case SEA_HTTP_REFUSED:
    refuse(loop, h, step->status);
    break;
  }
}

/* Parses until the bytes are used up, or no more are wanted for now. Returns how many were used. */
static size_t
consume(sea_loop_t *loop, sea_http_conn_t *h, input_t *input, char *data, size_t len)
{
  size_t used = 0;
  while (used < len && !h->over && is_open(h->conn)) {
    sea_http_step_t step;
    bool between = sea__http_parser_between(&h->parser);
    if (between && is_crowded(loop, h)) {
      break;
    }
    sea__http_parse(&h->parser, data + used, len - used, &step);
    if (between && (step.kind != SEA_HTTP_MORE || !sea__http_parser_between(&h->parser))) {
      h->since_ms = loop->now_ms; /* empty lines between requests are no beginning */
    }
    take_step(loop, h, input, data + used, &step);
    used += step.used;
  }
  return h->over ? len : used;
}

static void
hold(sea_loop_t *loop, sea_http_conn_t *h, const char *data, size_t len)
{
  size_t needed = h->held_len + len;
  if (needed > h->held_room) {
    size_t room = h->held_room * 2 > needed ? h->held_room * 2 : needed;
    char *grown = realloc(h->held, room);
    if (grown == NULL) {
      give_up(loop, h->conn);
      return;
    }
    h->held = grown;
    h->held_room = room;
  }
  memcpy(h->held + h->held_len, data, len);
  h->held_len = needed;
  if (!h->conn->paused) {
    sea__recv_pause(loop, h->conn);
  }
}

static void
on_data(sea_loop_t *loop, sea_http_conn_t *h, const sea_event_t *event)
{
  input_t input = {.event = event};
  char *data = sea__bufring_data(&loop->buffers, event->buffer_id) + event->offset;
  size_t len = (size_t)event->result;
  size_t used = h->held != NULL ? 0 : consume(loop, h, &input, data, len);
  if (used < len && !h->over && is_open(h->conn)) {
    hold(loop, h, data + used, len - used);
  }
  if (input.last != NULL) {
    input.last->marks &= (uint8_t)~SEA_MARK_KEEP;
  } else {
    sea__loop_release(loop, event);
  }
  update_phase(loop, h);
}

/* The peer sends no more; it may still wait for answers. */
static void
settle(sea_loop_t *loop, sea_http_conn_t *h)
{
  if (!h->peer_ended || h->over || h->held != NULL || !is_open(h->conn)) {
    return;
  }
  if (!sea__http_parser_between(&h->parser)) {
    refuse(loop, h, 400);
  } else if (h->count == 0) {
    finish(loop, h);
  } else {
    h->over = true;
    h->last->close = true;
  }
}

/* There may be room for what is held. */
static void
go_on(sea_loop_t *loop, sea_http_conn_t *h)
{
  if (h->held == NULL || !is_open(h->conn) || is_crowded(loop, h)) {
    return;
  }
  for (bool stuck = false; h->held != NULL && !stuck && is_open(h->conn);) {
    input_t input = {0};
    uint32_t left = sea__min_u32((uint32_t)(h->held_len - h->held_at), loop->buffers.size);
    size_t used = consume(loop, h, &input, h->held + h->held_at, left);
    stuck = used == 0;
    h->held_at += used;
    if (h->held != NULL && h->held_at >= h->held_len) {
      drop_held(h);
      sea__recv_resume(loop, h->conn);
      settle(loop, h);
    }
  }
  update_phase(loop, h);
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
  *h = (sea_http_conn_t){.all = all, .conn = conn, .due_ms = NEVER, .since_ms = loop->now_ms};
  sea__list_init(&h->timer);
  sea__http_parser_init(&h->parser, &loop->http->shared);
  watch(loop->http, h);
  return true;
}

static void
on_closed(sea_loop_t *loop, sea_conn_t *conn)
{
  sea_http_conn_t *h = conn->http;
  if (h == NULL) {
    return;
  }
  drop_exchanges(loop, h);
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
    sea__conn_close(loop, conn, SEA_CLOSE_ASKED, false);
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
    if (h == NULL || h->phase == SEA_HTTP_PHASE_FINISHING) {
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
    go_on(loop, conn->http);
  }
}

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
  bool usable = h != NULL && is_open(conn) && conn->send_error == 0 &&
                conn->write_end == SEA_WRITE_OPEN;
  sea_http_exchange_t *exchange = usable ? find_exchange(h, (uint32_t)command->len) : NULL;
  sea_chunk_t *chunk = exchange == NULL ? NULL
                                        : append_chunk(loop, h, exchange, payload->data,
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
  flush(loop, h);
  if (is_open(conn)) {
    go_on(loop, h);
    update_phase(loop, h);
  }
}

static void
expire(sea_loop_t *loop, sea_http_conn_t *h)
{
  sea_conn_t *conn = h->conn;
  bool sending = conn->sending || conn->queue.head != NULL;
  h->due_ms = NEVER;
  if (!is_open(conn)) {
    return;
  }
  if (deadline(loop->http, h) > loop->now_ms) {
    watch(loop->http, h);
  } else if (h->phase == SEA_HTTP_PHASE_IDLE && sending) {
    h->since_ms = loop->now_ms; /* a slow reader is not idle */
    watch(loop->http, h);
  } else if (h->phase == SEA_HTTP_PHASE_FINISHING) {
    sea__conn_close(loop, conn, SEA_CLOSE_ASKED, false);
  } else {
    sea__stat_add(&loop->stats.http_timeouts, 1);
    if (h->phase == SEA_HTTP_PHASE_IDLE) {
      finish(loop, h);
    } else {
      refuse(loop, h, 408);
    }
  }
}

void
sea__http_expire(sea_loop_t *loop)
{
  sea_list_t due;
  sea__timer_advance(&loop->http->timer, loop->now_ms, &due);
  while (!sea__list_empty(&due)) {
    expire(loop, sea_container_of(sea__list_shift(&due), sea_http_conn_t, timer));
  }
}

int64_t
sea__http_wait_ms(const sea_loop_t *loop)
{
  return sea__timer_wait_ms(&loop->http->timer, loop->now_ms);
}
