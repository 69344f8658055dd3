/* What a server has of HTTP: made before the loop runs, and routes, which do not change. */
#include "http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_EXCHANGES 63

typedef struct exchange_block {
  struct exchange_block *next;
  sea_http_exchange_t exchanges[BLOCK_EXCHANGES];
} exchange_block_t;

/* -- pools ------------------------------------------------------------------------------------ */

sea_http_conn_t *
sea__http_conn_acquire(sea_http_t *http)
{
  sea_http_conn_t *conn = http->free;
  if (conn != NULL) {
    http->free = conn->next;
    return conn;
  }
  conn = calloc(1, sizeof *conn);
  if (conn != NULL) {
    conn->all = http->all;
    http->all = conn;
  }
  return conn;
}

void
sea__http_conn_release(sea_http_t *http, sea_http_conn_t *conn)
{
  sea__http_parser_deinit(&conn->parser);
  free(conn->held);
  conn->held = NULL;
  conn->next = http->free;
  http->free = conn;
}

sea_http_exchange_t *
sea__http_exchange_acquire(sea_http_t *http)
{
  if (http->exchanges == NULL) {
    exchange_block_t *block = malloc(sizeof *block);
    if (block == NULL) {
      return NULL;
    }
    block->next = http->exchange_blocks;
    http->exchange_blocks = block;
    for (size_t i = 0; i < BLOCK_EXCHANGES; i++) {
      sea__http_exchange_release(http, &block->exchanges[i]);
    }
  }
  sea_http_exchange_t *exchange = http->exchanges;
  http->exchanges = exchange->next;
  *exchange = (sea_http_exchange_t){0};
  return exchange;
}

void
sea__http_exchange_release(sea_http_t *http, sea_http_exchange_t *exchange)
{
  exchange->next = http->exchanges;
  http->exchanges = exchange;
}

/* -- routes ----------------------------------------------------------------------------------- */

static uint32_t
hash(const char *bytes, size_t len)
{
  uint32_t h = 2166136261U; /* FNV-1a */
  for (size_t i = 0; i < len; i++) {
    h = (h ^ (unsigned char)bytes[i]) * 16777619U;
  }
  return h;
}

static sea_http_fixed_t *
find_path(const sea_http_t *http, const char *path, size_t len)
{
  for (uint32_t i = hash(path, len);; i++) {
    uint32_t index = http->by_path[i & http->by_path_mask];
    if (index == 0) {
      return NULL;
    }
    sea_http_fixed_t *route = &http->routes[index - 1];
    if (route->path_len == len && memcmp(route->path, path, len) == 0) {
      return route;
    }
  }
}

/* The path of a URL: without its query, and of an absolute one without scheme and host. */
static sea_http_text_t
path_of(sea_http_text_t url)
{
  if (url.len > 0 && url.at[0] != '/') {
    const char *colon = memchr(url.at, ':', url.len);
    size_t before = colon == NULL ? 0 : (size_t)(colon - url.at) + 3; /* "://" */
    const char *slash = before > 0 && before < url.len
                            ? memchr(url.at + before, '/', url.len - before)
                            : NULL;
    if (slash != NULL) {
      url.len -= (uint32_t)(slash - url.at);
      url.at = slash;
    }
  }
  const char *query = memchr(url.at, '?', url.len);
  if (query != NULL) {
    url.len = (uint32_t)(query - url.at);
  }
  return url;
}

sea_http_fixed_t *
sea__http_route(sea_http_t *http, const sea_http_message_t *message)
{
  sea_http_fixed_t *route = NULL;
  if (http->route_count > 0) {
    sea_http_text_t path = path_of(message->url);
    route = find_path(http, path.at, path.len);
  }
  bool reads = message->method == HTTP_GET || message->method == HTTP_HEAD;
  if (route != NULL && reads) {
    return route;
  }
  if (http->any != NULL) {
    return http->any;
  }
  if (http->handler) {
    return NULL;
  }
  return route != NULL ? &http->not_allowed : &http->not_found;
}

static int
add_routes(sea_http_t *http, const sea_http_options_t *options)
{
  uint32_t size = sea__pow2_ceil(options->route_count * 2 + 1);
  http->routes = calloc(options->route_count + 1U, sizeof *http->routes);
  http->by_path = calloc(size, sizeof *http->by_path);
  http->by_path_mask = size - 1;
  if (http->routes == NULL || http->by_path == NULL) {
    return -ENOMEM;
  }
  for (uint32_t i = 0; i < options->route_count; i++) {
    sea_http_fixed_t *route = &http->routes[http->route_count++];
    if (sea__http_fixed_init(route, &options->routes[i]) < 0) {
      return -ENOMEM;
    }
    if (route->path == NULL) {
      http->any = route;
      continue;
    }
    uint32_t at = hash(route->path, route->path_len);
    while (http->by_path[at & http->by_path_mask] != 0) {
      at++;
    }
    http->by_path[at & http->by_path_mask] = i + 1;
  }
  return 0;
}

static int
add_own(sea_http_fixed_t *fixed, const char *head)
{
  sea_http_route_t route = {.head = head, .head_len = strlen(head)};
  return sea__http_fixed_init(fixed, &route);
}

/* -- life ------------------------------------------------------------------------------------- */

int
sea__http_create(sea_loop_t *loop, const sea_http_options_t *options)
{
  sea_http_t *http = calloc(1, sizeof *http);
  if (http == NULL) {
    return -ENOMEM;
  }
  loop->http = http; /* sea__http_destroy() takes what there is by then */
  sea_http_limits_t limits = {
      .header_bytes = options->header_bytes,
      .headers_max = options->headers_max,
      .url_bytes = options->url_bytes,
      .body_bytes = options->body_bytes,
  };
  http->pipeline_max = options->pipeline_max;
  http->headers_ms = options->headers_ms;
  http->request_ms = options->request_ms;
  http->keep_alive_ms = options->keep_alive_ms;
  http->handler = options->handler;
  http->facade = options->facade;
  int error = sea__http_shared_init(&http->shared, &limits);
  if (error == 0) {
    error = sea__http_blocks_init(&http->blocks);
  }
  if (error == 0) {
    error = add_routes(http, options);
  }
  if (error == 0) {
    error = add_own(&http->not_found, "HTTP/1.1 404 Not Found\r\n");
  }
  if (error == 0) {
    error = add_own(&http->not_allowed, "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\n");
  }
  /* A request is a head, a body, trailers and an end; before them may come the rest of one, and
   * what any connection tells in a step. */
  loop->step_events = 2 * SEA_EVENTS_PER_STEP + 4 * options->pipeline_max;
  return error;
}

void
sea__http_start(sea_loop_t *loop)
{
  sea_http_t *http = loop->http;
  if (http == NULL) {
    return;
  }
  /* Ticks for the shortest of the limits: the longer ones are looked at several times. */
  uint32_t span = UINT32_MAX;
  const uint32_t limits[] = {http->headers_ms, http->request_ms, http->keep_alive_ms};
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
    span = limits[i] != 0 ? sea__min_u32(span, limits[i]) : span;
  }
  sea__timer_init(&http->timer, sea__min_u32(span, SEA_FAREWELL_MS), loop->now_ms);
}

void
sea__http_destroy(sea_loop_t *loop)
{
  sea_http_t *http = loop->http;
  if (http == NULL) {
    return;
  }
  while (http->all != NULL) {
    sea_http_conn_t *conn = http->all;
    http->all = conn->all;
    sea__http_parser_deinit(&conn->parser);
    free(conn->held);
    free(conn);
  }
  while (http->exchange_blocks != NULL) {
    exchange_block_t *block = http->exchange_blocks;
    http->exchange_blocks = block->next;
    free(block);
  }
  for (uint32_t i = 0; i < http->route_count; i++) {
    sea__http_fixed_deinit(&http->routes[i]);
  }
  sea__http_fixed_deinit(&http->not_found);
  sea__http_fixed_deinit(&http->not_allowed);
  free(http->routes);
  free(http->by_path);
  sea__http_blocks_deinit(&http->blocks);
  sea__http_shared_deinit(&http->shared);
  free(http);
  loop->http = NULL;
}

/* -- blocks ----------------------------------------------------------------------------------- */

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
