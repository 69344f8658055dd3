#include "web.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/reply.h"
#include "shim.h"

#define AREA (1U << 17)
#define BODY_MAX 60000U
#define REQUESTS_MAX 12U /* of a peer */
#define PENDING_MAX (PEERS_MAX * REQUESTS_MAX)
#define TEXT_ROOM (1U << 20)
#define GARBAGE "GET / nonsense\r\n\r\n"

/* A request that the host was told of. */
typedef struct pending {
  host_conn_t *conn;
  uint32_t seq;
  uint32_t flags;
  char url[64];
  uint32_t size, offset;           /* what it is to be answered with */
  uint32_t body_size, body_offset; /* what it brings */
  uint32_t got;
  bool whole; /* its body has come */
  bool answered;
} pending_t;

/* All bodies, of requests and responses, are pieces of it. */
static char area[AREA];

static struct {
  bool facade;
  bool over[2 * PEERS_MAX]; /* by connection: what comes is nobody's any more */
  pending_t list[PENDING_MAX];
  uint32_t count;
  uint32_t asked; /* by the peers */
  uint32_t fixed;
  uint32_t refused;
} web;

static void
must(bool condition, const char *what)
{
  if (!condition) {
    fault_fail(what);
  }
}

/* -- the server ------------------------------------------------------------------------------- */

#define FIXED_HEAD "HTTP/1.1 200 OK\r\nA: b\r\n"
#define LINES(length) "Content-Length: " #length "\r\n"

static const sea_http_route_t routes[] = {
    {.path = "/fixed",
     .path_len = 6,
     .flags = SEA_HTTP_REPLY_NO_DATE,
     .head = FIXED_HEAD,
     .head_len = sizeof FIXED_HEAD - 1,
     .body = "fixed",
     .body_len = 5},
    {.path = "/dated",
     .path_len = 6,
     .head = FIXED_HEAD,
     .head_len = sizeof FIXED_HEAD - 1,
     .body = area,
     .body_len = 3000},
};

void
web_options(sea_options_t *options, bool facade, uint32_t time_limit_ms)
{
  static sea_http_options_t http;
  pattern_fill(area, sizeof area, 1, 0);
  http = http_options();
  web.facade = http.facade = facade;
  http.routes = facade ? NULL : routes;
  http.route_count = facade ? 0 : sizeof routes / sizeof *routes;
  http.pipeline_max = 1 + fault_random() % 8;
  http.headers_ms = http.request_ms = http.keep_alive_ms = time_limit_ms;
  options->http = &http;
}

/* -- the peers -------------------------------------------------------------------------------- */

typedef struct text {
  char *at;
  size_t len;
} text_t;

__attribute__((format(printf, 2, 3))) static void
add(text_t *text, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  text->len += (size_t)vsnprintf(text->at + text->len, TEXT_ROOM - text->len, format, args);
  va_end(args);
}

static void
add_bytes(text_t *text, const char *bytes, size_t len)
{
  memcpy(text->at + text->len, bytes, len);
  text->len += len;
}

static void
add_chunked(text_t *ask, const char *bytes, uint32_t len)
{
  while (len > 0) {
    uint32_t n = 1 + fault_random() % len;
    add(ask, "%x\r\n", n);
    add_bytes(ask, bytes, n);
    add(ask, "\r\n");
    bytes += n;
    len -= n;
  }
  add(ask, "0\r\n%s\r\n", fault_random() % 2 == 0 ? "" : "Trailer: x\r\n");
}

static void
add_fixed(text_t *ask, text_t *answer, const char *connection)
{
  bool dated = fault_random() % 2 == 0;
  bool head = fault_random() % 4 == 0;
  add(ask, "%s /%s HTTP/1.1\r\nHost: a\r\n%s\r\n", head ? "HEAD" : "GET", dated ? "dated" : "fixed",
      connection);
  add(answer, FIXED_HEAD "Content-Length: %d\r\n%s", dated ? 3000 : 5, connection);
  if (dated) {
    add(answer, "Date: ");
    memset(answer->at + answer->len, PEER_ANY_BYTE, SEA_HTTP_DATE_LEN);
    answer->len += SEA_HTTP_DATE_LEN;
    add(answer, "\r\n");
  }
  add(answer, "\r\n");
  if (!head) {
    add_bytes(answer, dated ? area : "fixed", dated ? 3000 : 5);
  }
  web.fixed++;
}

/* A request that the host answers: its URL says with what, and what body comes with it. */
static void
add_free(text_t *ask, text_t *answer, const char *connection, uint32_t most)
{
  static const char *const methods[] = {"GET", "HEAD", "POST", "PUT"};
  uint32_t method = fault_random() % 4;
  uint32_t size = fault_random() % most;
  uint32_t offset = fault_random() % (AREA - size);
  uint32_t body = method < 2 ? 0 : fault_random() % most;
  uint32_t body_offset = fault_random() % (AREA - body);
  bool expects = !web.facade && body > 0 && fault_random() % 8 == 0;
  char url[64];
  snprintf(url, sizeof url, "/%u/%u/%u/%u", size, offset, body, body_offset);
  add(ask, "%s %s HTTP/1.1\r\nHost: a\r\n%s%s", methods[method], url, connection,
      expects ? "Expect: 100-continue\r\n" : "");
  if (method == 2) {
    add(ask, "Transfer-Encoding: chunked\r\n\r\n");
    add_chunked(ask, area + body_offset, body);
  } else {
    add(ask, "Content-Length: %u\r\n\r\n", body);
    add_bytes(ask, area + body_offset, body);
  }
  add(answer, "%sHTTP/1.1 200 OK\r\nX: %s\r\nContent-Length: %u\r\n%s\r\n",
      expects ? SEA_HTTP_100_CONTINUE : "", url, size, connection);
  if (method != 1) {
    add_bytes(answer, area + offset, size);
  }
}

void
web_script(peers_t *peers, peer_t *peer)
{
  static char room[2][TEXT_ROOM];
  text_t ask = {.at = room[0]};
  text_t answer = {.at = room[1]};
  uint32_t n = 1 + fault_random() % REQUESTS_MAX;
  uint32_t most = peers->write_max * 2 < BODY_MAX ? peers->write_max * 2 : BODY_MAX;
  uint32_t ending = fault_random() % 4;
  for (uint32_t i = 1; i <= n; i++) {
    peer->closes = i == n && ending < 2;
    if (peer->closes && ending == 1) {
      add(&ask, GARBAGE);
      add(&answer, "%s", sea__http_refusal(400));
      web.refused++;
      break;
    }
    web.asked++;
    const char *connection = peer->closes ? "Connection: close\r\n" : "";
    if (!web.facade && fault_random() % 3 == 0) {
      add_fixed(&ask, &answer, connection);
    } else {
      add_free(&ask, &answer, connection, most);
    }
  }
  must(ask.len < TEXT_ROOM && answer.len < TEXT_ROOM, "a script is too long");
  peer->ask = malloc(ask.len);
  memcpy(peer->ask, ask.at, ask.len);
  peer->bytes = ask.len;
  peer->answer = calloc(1, answer.len + 256); /* and an excuse behind it */
  memcpy(peer->answer, answer.at, answer.len);
  peer->wanted = answer.len;
}

bool
web_excuse(peer_t *peer, uint64_t at, uint32_t n)
{
  static const int statuses[] = {500, 408, 400};
  static const char start[] = "HTTP/1.1 ";
  if (n == sizeof statuses / sizeof *statuses) {
    return false;
  }
  while (memcmp(peer->answer + at, start, sizeof start - 1) != 0) {
    if (at-- == 0) {
      return false;
    }
  }
  const char *refusal = sea__http_refusal(statuses[n]);
  peer->wanted = at + strlen(refusal);
  peer->closes = true;
  memcpy(peer->answer + at, refusal, strlen(refusal));
  return true;
}

/* -- the host --------------------------------------------------------------------------------- */

static pending_t *
newest_of(const host_conn_t *conn)
{
  for (uint32_t i = web.count; i > 0; i--) {
    if (web.list[i - 1].conn == conn) {
      return &web.list[i - 1];
    }
  }
  return NULL;
}

/* As sea_http_respond() does it. */
static void
respond_by_hand(host_t *host, pending_t *pending)
{
  char head[192];
  bool stays = (pending->flags & SEA_HTTP_RECORD_KEEP_ALIVE) != 0;
  int len = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nX: %s\r\nContent-Length: %u\r\n%s\r\n",
                     pending->url, pending->size, stays ? "" : "Connection: close\r\n");
  host_send(host, pending->conn, head, (size_t)len);
  if ((pending->flags & SEA_HTTP_RECORD_HEAD) == 0 && pending->size > 0) {
    host_send(host, pending->conn, area + pending->offset, pending->size);
  }
  pending->answered = true;
  if (!stays) {
    host_shutdown(host, pending->conn);
  }
}

/* What the facade does not parse, or gave up. */
static void
on_http(host_t *host, host_conn_t *conn, const sea_event_t *event)
{
  int status = event->kind == SEA_EVENT_FAILED ? event->result : 400;
  if (event->kind == SEA_EVENT_TRAILERS) {
    return;
  }
  if (status != 0) {
    const char *refusal = sea__http_refusal(status);
    host_send(host, conn, refusal, strlen(refusal));
  }
  host_shutdown(host, conn);
  web.over[conn - host->conns] = true;
}

static void
on_end(host_t *host, host_conn_t *conn)
{
  if (conn->shut) {
    host_close(host, conn, false);
  } else {
    host_shutdown(host, conn);
  }
}

static void
on_shutdown(host_t *host, host_conn_t *conn)
{
  if (conn->ended) {
    host_close(host, conn, false);
  }
}

static void
on_request(host_t *host, host_conn_t *conn, const sea_http_record_t *record)
{
  const uint32_t *lengths = (const uint32_t *)(const void *)(record + 1);
  const char *url = (const char *)(lengths + (size_t)record->count * 2);
  pending_t *before = newest_of(conn);
  must(web.count < PENDING_MAX && record->url_len < sizeof web.list->url, "too much is asked");
  must(before == NULL || web.facade || before->seq < record->seq, "a request came again");
  must(before == NULL || before->whole || before->answered, "a request came in another");
  pending_t *pending = &web.list[web.count++];
  *pending = (pending_t){.conn = conn, .seq = record->seq, .flags = record->flags};
  memcpy(pending->url, url, record->url_len);
  must(sscanf(pending->url, "/%u/%u/%u/%u", &pending->size, &pending->offset, &pending->body_size,
              &pending->body_offset) == 4,
       "a request was not asked");
  pending->whole = (record->flags & SEA_HTTP_RECORD_COMPLETE) != 0;
  must(!pending->whole || pending->body_size == 0, "a body is missing");
  if (web.facade && pending->whole) {
    respond_by_hand(host, pending);
  }
}

static void
on_body(host_t *host, host_conn_t *conn, const void *bytes, size_t len)
{
  pending_t *pending = newest_of(conn);
  if (web.over[conn - host->conns]) {
    return;
  }
  must(pending != NULL && !pending->whole && len <= pending->body_size - pending->got,
       "a body is too long");
  must(memcmp(area + pending->body_offset + pending->got, bytes, len) == 0, "a body is wrong");
  pending->got += (uint32_t)len;
}

static void
on_request_end(host_t *host, host_conn_t *conn)
{
  pending_t *pending = newest_of(conn);
  must(pending != NULL && !pending->whole && pending->got == pending->body_size,
       "a body ended too early");
  pending->whole = true;
  if (web.facade) {
    respond_by_hand(host, pending);
  }
}

void
web_begin(host_t *host)
{
  memset(web.list, 0, sizeof web.list);
  memset(web.over, 0, sizeof web.over);
  web.count = web.asked = web.fixed = web.refused = 0;
  host->on_request = on_request;
  host->on_data = on_body;
  host->on_request_end = on_request_end;
  host->on_http = on_http;
  host->on_end = on_end;
  host->on_shutdown = on_shutdown;
}

/* 0, or what sea_http_respond() says. */
static int
respond(host_t *host, const pending_t *pending)
{
  char head[128];
  bool stays = (pending->flags & SEA_HTTP_RECORD_KEEP_ALIVE) != 0;
  bool head_only = (pending->flags & SEA_HTTP_RECORD_HEAD) != 0;
  int head_len = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nX: %s\r\n", pending->url);
  sea_http_response_t response = {
      .id = pending->conn->id,
      .seq = pending->seq,
      .flags = SEA_HTTP_REPLY_NO_DATE | (stays ? 0U : SEA_HTTP_REPLY_CLOSE) |
               (head_only ? SEA_HTTP_REPLY_HEAD : 0U),
      .head = head,
      .head_len = (size_t)head_len,
      .body = area + pending->offset,
      .body_len = pending->size,
      .holder = fault_random() % 2 == 0 ? area : NULL,
  };
  return sea_http_respond(host->server, &response);
}

bool
web_answer(host_t *host)
{
  bool any = false;
  uint32_t first = fault_random();
  for (uint32_t i = 0; i < web.count; i++) {
    pending_t *pending = &web.list[(first + i) % web.count];
    bool may = !pending->conn->closed && !pending->answered;
    /* Mostly when the body has come, as most do. Not before the end, which may be waited for in
     * vain while a peer still writes. */
    bool ready = pending->whole ||
                 ((pending->flags & SEA_HTTP_RECORD_KEEP_ALIVE) != 0 && fault_random() % 32 == 0);
    if (!may || !ready || fault_random() % 4 == 0) {
      any |= may;
      continue;
    }
    int error = respond(host, pending);
    any = true;
    if (error == -ENOBUFS || error == -ENOMEM) {
      break; /* later */
    }
    must(error == 0 || error == -ENOTCONN, "a response was refused");
    pending->answered = true;
  }
  return any;
}

void
web_check(const host_t *host, const peers_t *peers)
{
  sea_info_t info = host_info(host);
  uint64_t asked = 0;
  uint64_t answered = 0;
  for (uint32_t i = 0; i < peers->n; i++) {
    asked += peers->list[i].sent;
    answered += peers->list[i].wanted;
  }
  assert_int_equal(info.connections_accepted, peers->n);
  /* Who is refused may send on when nobody listens any more. */
  uint64_t spare = web.refused * strlen(GARBAGE);
  assert_in_range(info.bytes_received, asked > spare ? asked - spare : 0, asked);
  assert_int_equal(info.bytes_sent, answered);
  assert_int_equal(info.http_requests, web.asked);
  assert_int_equal(info.http_fixed, web.fixed);
  assert_int_equal(info.http_refused, web.facade ? 0 : web.refused);
}
