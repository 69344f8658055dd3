/* HTTP connections take any bytes. A peer sends the input twice, whole and in pieces, to a host
 * that answers at once, or late and in any order: what comes back is the same, and nothing is left.
 *
 * The first bytes of an input say what server it is for, and how it is cut and answered. The
 * servers stay from input to input, as a ring takes far longer to make than a request. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "http/http.h"
#include "inline.h"
#include "outbox.h"

#define KINDS 8U
#define PENDING 64U
#define TOLD_MAX (1U << 20)
#define TURNS_MAX 200000U /* of one peer, without an end */

/* One peer's visit. */
typedef struct visit {
  sea_loop_t *loop;
  bool facade;
  bool lazy;       /* the host answers late, the peer writes in pieces */
  uint64_t random; /* of that */
  int peer;
  const uint8_t *bytes;
  size_t left;
  sea_conn_id_t id;
  bool opened, ended, closed;
  struct {
    uint32_t seq, flags;
    uint64_t sum; /* of its head and body */
    bool whole;
  } pending[PENDING];
  uint32_t count;
  uint64_t failed; /* facade: status, and how much had been told by then, but for the body */
  uint64_t parts;
  size_t told_len;
  char told[TOLD_MAX]; /* to the peer; or, the facade's host */
} visit_t;

static struct {
  sea_loop_t *loops[KINDS];
  visit_t visits[2];
} world;

static uint32_t
draw(visit_t *visit, uint32_t below)
{
  visit->random = visit->random * 6364136223846793005U + 1442695040888963407U;
  return (uint32_t)(visit->random >> 33) % below;
}

static uint64_t
sum(uint64_t before, const void *bytes, size_t len)
{
  for (size_t i = 0; i < len; i++) {
    before = (before ^ ((const unsigned char *)bytes)[i]) * 1099511628211U;
  }
  return before;
}

static void
tell(visit_t *visit, const void *bytes, size_t len)
{
  fuzz_must(len <= TOLD_MAX - visit->told_len);
  memcpy(visit->told + visit->told_len, bytes, len);
  visit->told_len += len;
}

/* -- the servers ------------------------------------------------------------------------------ */

static void
on_events(void *arg)
{
  (void)arg;
}

static void
on_release(void *arg, void *holder)
{
  (void)arg;
  fuzz_must(holder == &world);
}

static const sea_http_route_t routes[] = {{.path = "/fixed",
                                           .path_len = 6,
                                           .flags = SEA_HTTP_REPLY_NO_DATE,
                                           .head = "HTTP/1.1 200 OK\r\n",
                                           .head_len = 17,
                                           .body = "fixed",
                                           .body_len = 5}};

static sea_loop_t *
make_loop(uint32_t kind)
{
  sea_http_options_t http = {.header_bytes = 2048,
                             .headers_max = 32,
                             .url_bytes = 256,
                             .body_bytes = 4096,
                             .pipeline_max = kind & 4 ? 1 : 8,
                             .handler = true,
                             .facade = (kind & 2) != 0,
                             .routes = routes,
                             .route_count = kind & 2 ? 0 : 1};
  sea_options_t options;
  sea_options_init(&options);
  options.driver = SEA_DRIVER_INLINE;
  options.queue_depth = 8;
  options.buffer_count = 64;
  options.buffer_size = kind & 1 ? 64 : 1024;
  options.event_capacity = 16;
  options.command_capacity = 16;
  options.on_events = on_events;
  options.on_release = on_release;
  options.http = &http;
  sea_loop_t *loop = aligned_alloc(SEA_CACHE_LINE, sizeof *loop);
  fuzz_must(loop != NULL && sea__loop_init(loop, &options) == 0);
  fuzz_must(sea__inline_start(loop) == 0);
  loop->listener.is_local = true; /* as its connections are */
  return loop;
}

/* -- the host --------------------------------------------------------------------------------- */

/* Reads a record as hosts do, and holds it to what the screen promises of a head. */
static uint64_t
read_record(const sea_event_t *event, const char *bytes)
{
  const sea_http_record_t *record = (const sea_http_record_t *)(const void *)bytes;
  const uint32_t *lengths = (const uint32_t *)(const void *)(record + 1);
  const char *at = (const char *)(lengths + (size_t)record->count * 2);
  const char *end = bytes + event->result;
  fuzz_must(record->count <= 32 && record->url_len <= 256 && record->head_bytes <= 2048);
  fuzz_must(at + record->url_len <= end);
  fuzz_must(event->kind == SEA_EVENT_TRAILERS || sea_http_method(record->method) != NULL);
  fuzz_must(memchr(at, ' ', record->url_len) == NULL && memchr(at, '\0', record->url_len) == NULL);
  at += record->url_len;
  for (uint32_t i = 0; i < record->count * 2; i++) {
    fuzz_must(lengths[i] <= (size_t)(end - at) && (i % 2 == 1 || lengths[i] > 0));
    fuzz_must(memchr(at, '\r', lengths[i]) == NULL && memchr(at, '\n', lengths[i]) == NULL);
    fuzz_must(memchr(at, '\0', lengths[i]) == NULL);
    fuzz_must(i % 2 == 1 || memchr(at, ':', lengths[i]) == NULL);
    at += lengths[i];
  }
  fuzz_must(at == end);
  return sum(record->method, lengths, (size_t)(end - (const char *)lengths));
}

static const char *
bytes_of(const sea_loop_t *loop, const sea_event_t *event)
{
  return event->offset + ((event->marks & SEA_MARK_BLOCK) != 0
                              ? sea__http_block_data(&loop->http->blocks, event->buffer_id)
                              : sea__bufring_data(&loop->buffers, event->buffer_id));
}

/* The facade's host notes what it is told, in an order that does not depend on the pieces. */
static void
note(visit_t *visit, const sea_event_t *event, const char *bytes)
{
  uint64_t what = event->kind;
  switch (event->kind) {
  case SEA_EVENT_DATA:
    tell(visit, bytes, (size_t)event->result);
    return;
  case SEA_EVENT_REQUEST:
  case SEA_EVENT_TRAILERS:
    what = read_record(event, bytes);
    break;
  case SEA_EVENT_FAILED:
    visit->failed = 1 + (uint64_t)event->result;
    break;
  default:
    break;
  }
  visit->parts = sum(visit->parts, &what, sizeof what);
  tell(visit, &what, sizeof what);
}

static void
take_request(visit_t *visit, const sea_event_t *event, const char *bytes)
{
  const sea_http_record_t *record = (const sea_http_record_t *)(const void *)bytes;
  fuzz_must(visit->count < visit->loop->http->pipeline_max);
  fuzz_must(visit->count == 0 || visit->pending[visit->count - 1].seq < record->seq);
  visit->pending[visit->count].seq = record->seq;
  visit->pending[visit->count].flags = record->flags;
  visit->pending[visit->count].sum = read_record(event, bytes);
  visit->pending[visit->count++].whole = (record->flags & SEA_HTTP_RECORD_COMPLETE) != 0;
}

static void
take_event(visit_t *visit, const sea_event_t *event)
{
  bool brings = event->kind == SEA_EVENT_DATA || event->kind == SEA_EVENT_REQUEST ||
                event->kind == SEA_EVENT_TRAILERS;
  const char *bytes = brings ? bytes_of(visit->loop, event) : NULL;
  uint32_t newest = visit->count - 1;
  fuzz_must(!visit->closed);
  visit->opened |= event->kind == SEA_EVENT_OPEN;
  visit->closed |= event->kind == SEA_EVENT_CLOSED;
  visit->ended |= event->kind == SEA_EVENT_END;
  if (event->kind == SEA_EVENT_OPEN) {
    visit->id = (sea_conn_id_t)event->generation << SEA_SLOT_BITS | event->slot;
  } else if (visit->facade && !visit->closed && event->kind != SEA_EVENT_END) {
    note(visit, event, bytes);
  } else if (event->kind == SEA_EVENT_REQUEST) {
    take_request(visit, event, bytes);
  } else if (event->kind == SEA_EVENT_DATA) {
    fuzz_must(visit->count > 0 && !visit->pending[newest].whole);
    visit->pending[newest].sum = sum(visit->pending[newest].sum, bytes, (size_t)event->result);
  } else if (event->kind == SEA_EVENT_REQUEST_END) {
    fuzz_must(visit->count > 0 && !visit->pending[newest].whole);
    visit->pending[newest].whole = true;
  }
}

/* Answers one of those that have come whole, if it likes. */
static void
answer_one(visit_t *visit)
{
  char body[32];
  uint32_t i = visit->lazy ? draw(visit, visit->count) : 0;
  if (!visit->pending[i].whole || (visit->lazy && draw(visit, 4) == 0)) {
    return;
  }
  uint32_t flags = visit->pending[i].flags;
  sea_http_response_t response = {
      .id = visit->id,
      .seq = visit->pending[i].seq,
      .flags = SEA_HTTP_REPLY_NO_DATE | (flags & SEA_HTTP_RECORD_HEAD ? SEA_HTTP_REPLY_HEAD : 0U) |
               (flags & SEA_HTTP_RECORD_KEEP_ALIVE ? 0U : SEA_HTTP_REPLY_CLOSE),
      .head = "HTTP/1.1 200 OK\r\n",
      .head_len = 17,
      .body = body,
      .body_len = (size_t)snprintf(body, sizeof body, "%llx",
                                   (unsigned long long)visit->pending[i].sum),
  };
  int error = sea__http_respond(visit->loop, &response);
  fuzz_must(error == 0 || error == -ENOTCONN || error == -ENOBUFS);
  if (error != -ENOBUFS) {
    visit->count--;
    memmove(&visit->pending[i], &visit->pending[i + 1],
            (visit->count - i) * sizeof *visit->pending);
  }
}

static void
close_facade(visit_t *visit)
{
  sea_command_t command = {.op = SEA_COMMAND_CLOSE,
                           .slot = sea_conn_id_slot(visit->id),
                           .generation = sea_conn_id_generation(visit->id)};
  if (visit->facade && visit->ended && sea__commands_push(&visit->loop->commands, &command) == 0) {
    visit->ended = false;
  }
}

static void
host_moves(visit_t *visit)
{
  sea_events_t *events = &visit->loop->events;
  uint32_t pending = sea__events_pending(events);
  if (visit->lazy && pending > 0) {
    pending = draw(visit, pending + 1);
  }
  for (uint32_t i = 0; i < pending; i++) {
    take_event(visit, sea__events_at(events, i));
  }
  sea__events_consume(events, pending);
  for (uint32_t i = visit->count; i > 0 && visit->count > 0; i--) {
    answer_one(visit);
  }
  close_facade(visit);
  sea__payloads_collect(&visit->loop->payloads);
}

/* -- the peer --------------------------------------------------------------------------------- */

/* Returns false when the server has ended. */
static bool
peer_moves(visit_t *visit)
{
  static char got[65536];
  if (visit->left > 0) {
    size_t len = visit->lazy ? 1 + draw(visit, (uint32_t)visit->left) : visit->left;
    ssize_t n = send(visit->peer, visit->bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    fuzz_must(n > 0 || errno == EAGAIN || errno == EPIPE || errno == ECONNRESET);
    n = n < 0 ? (errno == EAGAIN ? 0 : (ssize_t)visit->left) : n;
    visit->bytes += n;
    visit->left -= (size_t)n;
    if (visit->left == 0) {
      shutdown(visit->peer, SHUT_WR);
    }
  }
  ssize_t n = recv(visit->peer, got, sizeof got, MSG_DONTWAIT);
  if (n > 0) {
    fuzz_must(!visit->facade);
    tell(visit, got, (size_t)n);
  }
  return n > 0 || (n < 0 && errno == EAGAIN);
}

static void
visit_server(visit_t *visit)
{
  int pair[2];
  fuzz_must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  visit->peer = pair[1];
  sea__conn_open(visit->loop, pair[0]);
  uint32_t turns = 0;
  for (bool there = true; there; turns++) {
    there = peer_moves(visit);
    sea__inline_pass(visit->loop);
    host_moves(visit);
    fuzz_must(turns < TURNS_MAX);
  }
  close(visit->peer);
  for (; !visit->closed || sea__stat_get(&visit->loop->stats.slots_in_use) > 0; turns++) {
    sea__inline_pass(visit->loop);
    host_moves(visit);
    fuzz_must(turns < TURNS_MAX);
  }
  fuzz_must(sea__stat_get(&visit->loop->stats.buffers_in_use) == 0);
  fuzz_must(visit->loop->http->blocks.bytes == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
  fuzz_input_t input = {.bytes = bytes, .left = len};
  uint32_t kind = fuzz_u8(&input) % KINDS;
  uint32_t seed = fuzz_u8(&input);
  if (input.left == 0) {
    return 0;
  }
  if (world.loops[kind] == NULL) {
    world.loops[kind] = make_loop(kind);
  }
  for (uint32_t i = 0; i < 2; i++) {
    visit_t *visit = &world.visits[i];
    memset(visit, 0, offsetof(visit_t, told));
    visit->loop = world.loops[kind];
    visit->facade = (kind & 2) != 0;
    visit->lazy = i == 1;
    visit->random = seed;
    visit->bytes = input.bytes;
    visit->left = input.left;
    visit_server(visit);
  }
  visit_t *a = &world.visits[0];
  visit_t *b = &world.visits[1];
  fuzz_must(a->parts == b->parts && a->failed == b->failed);
  /* Of a body that is refused in the end, the part that is told depends on the pieces. */
  fuzz_must(a->failed != 0 ||
            (a->told_len == b->told_len && memcmp(a->told, b->told, a->told_len) == 0));
  return 0;
}
