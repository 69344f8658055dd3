/* HTTP servers: their options, and responses. */
#include <errno.h>
#include <stdlib.h>

#include "layout.h"
#include "transport.h"
#include "value.h"
#include "verbs.h"

/* Up to this many bytes of a body the core copies, which is cheaper than holding the Buffer. */
#define COPY_BYTES_MAX 16384U
/* Heads up to this many bytes need no memory of their own. */
#define HEAD_BYTES 2048U

/* -- options ---------------------------------------------------------------------------------- */

static napi_value
get(napi_env env, napi_value object, const char *name)
{
  napi_value value = NULL;
  return napi_get_named_property(env, object, name, &value) == napi_ok ? value : NULL;
}

/* The bytes of the Buffer that a property is; NULL when it is none. */
static const void *
get_bytes(napi_env env, napi_value object, const char *name, size_t *len)
{
  void *data = NULL;
  *len = 0;
  napi_value buffer = get(env, object, name);
  if (buffer == NULL || napi_get_buffer_info(env, buffer, &data, len) != napi_ok) {
    return NULL;
  }
  return data == NULL ? "" : data;
}

static int
read_routes(napi_env env, napi_value array, sea_http_options_t *http)
{
  uint32_t n = 0;
  if (array == NULL || napi_get_array_length(env, array, &n) != napi_ok || n == 0) {
    return 0;
  }
  sea_http_route_t *routes = calloc(n, sizeof *routes);
  if (routes == NULL) {
    return -ENOMEM;
  }
  http->routes = routes;
  http->route_count = n;
  for (uint32_t i = 0; i < n; i++) {
    napi_value route = NULL;
    napi_get_element(env, array, i, &route);
    routes[i].path = get_bytes(env, route, "path", &routes[i].path_len);
    routes[i].head = get_bytes(env, route, "head", &routes[i].head_len);
    routes[i].body = get_bytes(env, route, "body", &routes[i].body_len);
    routes[i].flags = sea_napi_get_u32(env, route, "flags", 0);
    if (routes[i].head == NULL || routes[i].body == NULL) {
      return -EINVAL;
    }
  }
  return 0;
}

int
sea_napi_read_http(napi_env env, napi_value options, sea_http_options_t **out)
{
  napi_value object = get(env, options, "http");
  napi_valuetype type = napi_undefined;
  *out = NULL;
  if (object == NULL || napi_typeof(env, object, &type) != napi_ok || type != napi_object) {
    return 0;
  }
  sea_http_options_t *http = calloc(1, sizeof *http);
  if (http == NULL) {
    return -ENOMEM;
  }
  *out = http;
  http->header_bytes = sea_napi_get_u32(env, object, "headerBytes", 16384);
  http->headers_max = sea_napi_get_u32(env, object, "headersMax", 2000);
  http->url_bytes = sea_napi_get_u32(env, object, "urlBytes", 16384);
  http->body_bytes = sea_napi_id(env, get(env, object, "bodyBytes"));
  http->pipeline_max = sea_napi_get_u32(env, object, "pipelineMax", 64);
  http->headers_ms = sea_napi_get_u32(env, object, "headersMs", 0);
  http->request_ms = sea_napi_get_u32(env, object, "requestMs", 0);
  http->keep_alive_ms = sea_napi_get_u32(env, object, "keepAliveMs", 0);
  http->handler = sea_napi_get_bool(env, object, "handler");
  http->facade = sea_napi_get_bool(env, object, "facade");
  return read_routes(env, get(env, object, "routes"), http);
}

void
sea_napi_free_http(sea_http_options_t *http)
{
  if (http != NULL) {
    free((void *)(uintptr_t)http->routes);
    free(http);
  }
}

/* -- responses -------------------------------------------------------------------------------- */

/* The head's text, in `room` if it fits there, otherwise to be freed. */
static char *
read_head(napi_env env, napi_value text, char *room, size_t *len)
{
  if (napi_get_value_string_latin1(env, text, room, HEAD_BYTES, len) != napi_ok) {
    return NULL;
  }
  if (*len < HEAD_BYTES - 1) {
    return room;
  }
  napi_get_value_string_latin1(env, text, NULL, 0, len);
  char *own = malloc(*len + 1);
  if (own != NULL) {
    napi_get_value_string_latin1(env, text, own, *len + 1, len);
  }
  return own;
}

static int
read_body(napi_env env, napi_value buffer, sea_http_response_t *response)
{
  void *data = NULL;
  napi_ref holder = NULL;
  napi_valuetype type = napi_undefined;
  if (napi_typeof(env, buffer, &type) == napi_ok && type == napi_undefined) {
    return 0;
  }
  if (napi_get_buffer_info(env, buffer, &data, &response->body_len) != napi_ok) {
    return -EINVAL;
  }
  if (response->body_len > COPY_BYTES_MAX &&
      napi_create_reference(env, buffer, 1, &holder) != napi_ok) {
    return -ENOMEM;
  }
  response->body = data;
  response->holder = holder;
  return 0;
}

/* id, seq, flags, head, body */
static int
respond(napi_env env, sea_napi_transport_t *t, const napi_value *args)
{
  char room[HEAD_BYTES];
  sea_http_response_t response = {
      .id = sea_napi_id(env, args[0]),
      .seq = sea_napi_u32(env, args[1], 0),
      .flags = sea_napi_u32(env, args[2], 0),
  };
  char *head = read_head(env, args[3], room, &response.head_len);
  int error = head == NULL ? -ENOMEM : read_body(env, args[4], &response);
  if (error == 0) {
    response.head = head;
    error = sea_http_respond(t->core, &response);
  }
  if (head != room) {
    free(head);
  }
  return error;
}

/* respond(id, seq, flags, head, body) -> constants.POST_* */
static napi_value
verb_respond(napi_env env, napi_callback_info info)
{
  napi_value args[5];
  sea_napi_transport_t *t = sea_napi_enter(env, info, args, 5);
  int error = t == NULL ? -ENOTCONN : respond(env, t, args);
  if (error == -ENOMEM) {
    return sea_napi_throw_errno(env, error, "respond");
  }
  uint32_t answer = error == -ENOBUFS ? SEA_NAPI_POST_NO_SPACE : SEA_NAPI_POST_REFUSED;
  return sea_napi_number(env, error == 0 ? SEA_NAPI_POST_TAKEN : answer);
}

/* respondAgain(id, [seq, flags, head, body]) -> whether it is over, one way or the other */
static napi_value
verb_respond_again(napi_env env, napi_callback_info info)
{
  napi_value args[2];
  sea_napi_transport_t *t = sea_napi_enter(env, info, args, 2);
  if (t == NULL) {
    return sea_napi_boolean(env, true);
  }
  napi_value all[5] = {args[0]};
  for (uint32_t i = 0; i < 4; i++) {
    napi_get_element(env, args[1], i, &all[i + 1]);
  }
  return sea_napi_boolean(env, respond(env, t, all) != -ENOBUFS);
}

/* limitTimes(headersMs, requestMs) */
static napi_value
verb_limit_times(napi_env env, napi_callback_info info)
{
  napi_value args[2];
  sea_napi_transport_t *t = sea_napi_enter(env, info, args, 2);
  if (t != NULL) {
    sea_http_limit_times(t->core, sea_napi_u32(env, args[0], 0), sea_napi_u32(env, args[1], 0));
  }
  return NULL;
}

/* heads(id) -> how many requests have begun to come, perhaps in part */
static napi_value
verb_heads(napi_env env, napi_callback_info info)
{
  napi_value args[1];
  sea_napi_transport_t *t = sea_napi_enter(env, info, args, 1);
  uint32_t heads = t == NULL ? 0 : sea_conn_heads(t->core, sea_napi_id(env, args[0]));
  return sea_napi_number(env, heads);
}

bool
sea_napi_define_http_verbs(napi_env env, napi_value object, sea_napi_transport_t *transport)
{
  static const sea_napi_verb_t verbs[] = {
      {"respond", verb_respond},
      {"respondAgain", verb_respond_again},
      {"limitTimes", verb_limit_times},
      {"heads", verb_heads},
  };
  return sea_napi_define(env, object, transport, verbs, sizeof verbs / sizeof *verbs);
}
