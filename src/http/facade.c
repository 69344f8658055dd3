/* The facade: the worker parses, and the host does all the rest with a connection like any other.
 *
 * Only plain requests are parsed here. What is none is given to the host as it came, from the
 * begin of its head on, and so is everything behind it: the host has a parser of its own for it. */
#include "http.h"

/* Nothing of a connection that a lack of memory has just closed: what came before may be missing.
 */
static void
tell(sea_loop_t *loop, sea_http_conn_t *h, sea_event_kind_t kind, int32_t result)
{
  if (!sea__http_is_open(h)) {
    return;
  }
  sea_event_t event = {.kind = (uint8_t)kind, .result = result};
  sea__loop_tell(loop, h->conn, &event);
}

static void
go_raw(sea_loop_t *loop, sea_http_conn_t *h, uint32_t kept)
{
  sea_http_input_t before = {0};
  h->raw = true;
  tell(loop, h, SEA_EVENT_RAW, 0);
  if (kept > 0) {
    sea__http_tell_data(loop, h, &before, h->parser.kept, kept);
  }
}

void
sea__http_facade_fail(sea_loop_t *loop, sea_http_conn_t *h, int status)
{
  sea__stat_add(&loop->stats.http_refused, 1);
  h->over = true;
  tell(loop, h, SEA_EVENT_FAILED, status);
}

static void
begin_request(sea_loop_t *loop, sea_http_conn_t *h, bool complete)
{
  sea__stat_add(&loop->stats.http_requests, 1);
  h->served = true;
  h->told++;
  h->last_request = (loop->http->shared.message.flags & SEA_HTTP_KEEP_ALIVE) == 0;
  h->over = complete && h->last_request; /* what comes behind it is nobody's */
  sea__http_tell_record(loop, h, SEA_EVENT_REQUEST, 0, complete);
}

static void
complete_message(sea_loop_t *loop, sea_http_conn_t *h, bool trailers)
{
  if (trailers && loop->http->shared.message.count > 0) {
    sea__http_tell_record(loop, h, SEA_EVENT_TRAILERS, 0, true);
  }
  h->over = h->last_request;
  tell(loop, h, SEA_EVENT_REQUEST_END, 0);
}

size_t
sea__http_facade_step(sea_loop_t *loop, sea_http_conn_t *h, sea_http_input_t *input,
                      const char *data, size_t rest, const sea_http_step_t *step)
{
  bool upgrade = step->kind == SEA_HTTP_REQUEST &&
                 (loop->http->shared.message.flags & SEA_HTTP_UPGRADE) != 0;
  if (upgrade || (step->kind == SEA_HTTP_REFUSED && input->in_head)) {
    go_raw(loop, h, input->kept);
    sea__http_tell_data(loop, h, input, data, rest);
    return rest;
  }
  if (step->body_len > 0) {
    sea__http_tell_data(loop, h, input, data, step->body_len);
  }
  if (step->kind == SEA_HTTP_REQUEST) {
    begin_request(loop, h, step->complete);
  } else if (step->kind == SEA_HTTP_REFUSED) {
    sea__http_facade_fail(loop, h, step->status);
  } else if (step->kind == SEA_HTTP_DATA && step->complete) {
    complete_message(loop, h, step->trailers);
  }
  return step->used;
}

void
sea__http_facade_end(sea_loop_t *loop, sea_http_conn_t *h)
{
  if (!h->raw && !h->over && !sea__http_parser_between(&h->parser)) {
    if (h->parser.part == SEA_HTTP_IN_HEAD) {
      go_raw(loop, h, h->parser.kept_len);
    } else {
      sea__http_facade_fail(loop, h, 0);
    }
  }
  tell(loop, h, SEA_EVENT_END, 0);
}
