/* Time limits of HTTP connections: for a head, for a request, and between two requests. */
#include "http.h"

/* How long a connection that we have ended waits for the peer's end. */
#define FINISH_MS SEA_FAREWELL_MS

static uint64_t
after(uint64_t since, uint32_t ms)
{
  return ms == 0 ? SEA_HTTP_NEVER : since + ms;
}

static uint64_t
deadline(const sea_http_t *http, const sea_http_conn_t *h)
{
  uint64_t head = after(h->since_ms, atomic_load_explicit(&http->headers_ms, memory_order_relaxed));
  uint64_t request = after(h->since_ms,
                           atomic_load_explicit(&http->request_ms, memory_order_relaxed));
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
  return SEA_HTTP_NEVER;
}

/* The wheel is touched only when the connection is to be looked at sooner than it would be. */
void
sea__http_watch(sea_http_t *http, sea_http_conn_t *h)
{
  uint64_t due = deadline(http, h);
  if (due < h->due_ms) {
    sea__timer_remove(&http->timer, &h->timer);
    sea__timer_add(&http->timer, &h->timer, due);
    h->due_ms = due;
  }
}

/* What the connection is doing now. */
void
sea__http_update_phase(sea_loop_t *loop, sea_http_conn_t *h)
{
  sea_http_phase_t phase = SEA_HTTP_PHASE_BUSY;
  if (h->phase == SEA_HTTP_PHASE_FINISHING) {
    return;
  }
  if (h->raw) {
    /* the host's */
  } else if (!h->over && !sea__http_parser_between(&h->parser)) {
    phase = h->parser.part == SEA_HTTP_IN_HEAD ? SEA_HTTP_PHASE_HEAD : SEA_HTTP_PHASE_BODY;
  } else if (!h->over && h->count == 0) {
    phase = h->served ? SEA_HTTP_PHASE_IDLE : SEA_HTTP_PHASE_FRESH;
  }
  if (phase == SEA_HTTP_PHASE_IDLE && h->phase != phase) {
    h->since_ms = loop->now_ms;
  }
  h->phase = (uint8_t)phase;
  sea__http_watch(loop->http, h);
}

static void
expire(sea_loop_t *loop, sea_http_conn_t *h)
{
  sea_conn_t *conn = h->conn;
  bool sending = conn->sending || conn->queue.head != NULL;
  h->due_ms = SEA_HTTP_NEVER;
  if (conn->state != SEA_CONN_OPEN) {
    return;
  }
  if (deadline(loop->http, h) > loop->now_ms) {
    sea__http_watch(loop->http, h);
  } else if (h->phase == SEA_HTTP_PHASE_IDLE && sending) {
    h->since_ms = loop->now_ms; /* a slow reader is not idle */
    sea__http_watch(loop->http, h);
  } else if (h->phase == SEA_HTTP_PHASE_FINISHING) {
    sea__conn_close(loop, conn, SEA_CLOSE_ASKED, false);
  } else {
    sea__stat_add(&loop->stats.http_timeouts, 1);
    if (loop->http->facade) {
      sea__http_facade_fail(loop, h, 408);
    } else if (h->phase == SEA_HTTP_PHASE_IDLE) {
      sea__http_finish(loop, h);
    } else {
      sea__http_refuse(loop, h, 408);
    }
  }
}

void
sea__http_expire(sea_loop_t *loop)
{
  sea_list_t due;
  sea__timer_advance(&loop->http->timer, loop->now_ms, &due);
  while (!sea__list_empty(&due)) {
    sea_http_conn_t *h = sea_container_of(sea__list_shift(&due), sea_http_conn_t, timer);
    if (sea__loop_has_room(loop)) {
      expire(loop, h);
    } else {
      sea__timer_add(&loop->http->timer, &h->timer, loop->now_ms); /* the next tick's */
    }
  }
}

int64_t
sea__http_wait_ms(const sea_loop_t *loop)
{
  return sea__timer_wait_ms(&loop->http->timer, loop->now_ms);
}
