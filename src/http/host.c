/* The host's half of HTTP: responses. */
#include <errno.h>
#include <string.h>

#include "http.h"

const char *
sea_http_method(uint32_t method)
{
  return method <= HTTP_FLUSH ? llhttp_method_name((llhttp_method_t)method) : NULL;
}

static sea_http_manner_t
manner_of(uint32_t flags)
{
  if ((flags & SEA_HTTP_REPLY_CLOSE) != 0) {
    return SEA_HTTP_CLOSES;
  }
  return (flags & SEA_HTTP_REPLY_1_0) != 0 ? SEA_HTTP_STAYS_1_0 : SEA_HTTP_STAYS;
}

/* The head and, unless it stays where it is, the body behind it. */
static sea_payload_t *
put_together(sea_loop_t *loop, const sea_http_response_t *response, bool with_body)
{
  size_t body_len = with_body ? response->body_len : 0;
  sea_payload_t *payload = sea__payload_blank(&loop->payloads,
                                              response->head_len + SEA_HTTP_OWN_LINES + body_len);
  if (payload == NULL) {
    return NULL;
  }
  struct timespec now;
  size_t date_at;
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  size_t len = sea__http_head(payload->bytes, response->head, response->head_len,
                              response->body_len, response->flags, manner_of(response->flags),
                              now.tv_sec, &date_at);
  if (body_len > 0) {
    memcpy(payload->bytes + len, response->body, body_len);
  }
  payload->len = len + body_len;
  return payload;
}

static void
push(sea_loop_t *loop, sea_conn_t *conn, const sea_http_response_t *response,
     sea_payload_t *payload, uint64_t marks)
{
  sea_command_t command = {
      .op = SEA_COMMAND_RESPOND,
      .slot = sea_conn_id_slot(response->id),
      .generation = sea_conn_id_generation(response->id),
      .data = payload,
      .len = response->seq | marks,
  };
  conn->sends_given++;
  sea__commands_push(&loop->commands, &command); /* there is room */
}

static int
respond(sea_loop_t *loop, sea_http_response_t *response)
{
  bool bare = (response->flags & (SEA_HTTP_REPLY_HEAD | SEA_HTTP_REPLY_NO_BODY)) != 0;
  bool apart = response->holder != NULL && !bare;
  uint64_t marks = SEA_HTTP_LAST;
  if ((response->flags & SEA_HTTP_REPLY_CLOSE) != 0) {
    marks |= SEA_HTTP_CLOSE;
  }
  sea_conn_t *conn = sea__slab_reach(&loop->slab, response->id);
  if (conn == NULL) {
    return -ENOTCONN;
  }
  if (!sea__commands_room(&loop->commands, apart ? 2 : 1)) {
    return -ENOBUFS;
  }
  sea_payload_t *head = put_together(loop, response, !bare && !apart);
  if (head == NULL) {
    return -ENOMEM;
  }
  if (!apart) {
    push(loop, conn, response, head, marks);
    return 0;
  }
  sea_payload_t *body = sea__payload_make(&loop->payloads, response->body, response->body_len,
                                          response->holder);
  if (body == NULL) {
    sea__payload_drop(&loop->payloads, head);
    return -ENOMEM;
  }
  response->holder = NULL; /* the payload has it */
  push(loop, conn, response, head, 0);
  push(loop, conn, response, body, marks);
  return 0;
}

int
sea__http_respond(sea_loop_t *loop, sea_http_response_t *response)
{
  int error = respond(loop, response);
  if (response->holder != NULL) {
    loop->payloads.on_release(loop->payloads.arg, response->holder);
  }
  return error;
}

void
sea__http_limit_times(sea_http_t *http, uint32_t headers_ms, uint32_t request_ms)
{
  atomic_store_explicit(&http->headers_ms, headers_ms, memory_order_relaxed);
  atomic_store_explicit(&http->request_ms, request_ms, memory_order_relaxed);
}
