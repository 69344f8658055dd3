#include "verbs.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "info.h"
#include "inline.h"
#include "layout.h"
#include "value.h"

#define ARGS_MAX 3

sea_napi_transport_t *
sea_napi_enter(napi_env env, napi_callback_info info, napi_value *args, size_t max)
{
  size_t argc = max;
  void *data = NULL;
  napi_get_cb_info(env, info, &argc, args, NULL, &data);
  sea_napi_transport_t *t = data;
  return t->core == NULL ? NULL : t;
}

static sea_napi_transport_t *
enter(napi_env env, napi_callback_info info, napi_value *args)
{
  return sea_napi_enter(env, info, args, ARGS_MAX);
}

/* -- sending ---------------------------------------------------------------------------------- */

/* write(id, buffer) -> whether it was taken; a SENT follows */
static napi_value
verb_write(napi_env env, napi_callback_info info)
{
  napi_value args[ARGS_MAX];
  void *data;
  size_t len;
  sea_napi_transport_t *t = enter(env, info, args);
  if (t == NULL || napi_get_buffer_info(env, args[1], &data, &len) != napi_ok) {
    return sea_napi_boolean(env, false);
  }
  int error = sea_send(t->core, sea_napi_id(env, args[0]), data, len, true);
  return sea_napi_boolean(env, error == 0);
}

/* writeNow(id, buffer) -> SEA_NAPI_WRITE_*: sent, without a SENT to follow, or as write(); or the
 * -errno with which the socket failed */
static napi_value
verb_write_now(napi_env env, napi_callback_info info)
{
  napi_value args[ARGS_MAX];
  void *data;
  size_t len;
  sea_napi_transport_t *t = enter(env, info, args);
  /* There has to be room for what the socket does not take. */
  if (t == NULL || napi_get_buffer_info(env, args[1], &data, &len) != napi_ok ||
      !sea_command_room(t->core, 1)) {
    return sea_napi_number(env, SEA_NAPI_WRITE_REFUSED);
  }
  sea_conn_id_t id = sea_napi_id(env, args[0]);
  ssize_t sent = len > 0 && sea_worker_sleeps(t->core) ? sea_send_now(t->core, id, data, len) : 0;
  if (sent < 0) {
    return sea_napi_number(env, (double)sent);
  }
  if (len > 0 && (size_t)sent == len) {
    return sea_napi_number(env, SEA_NAPI_WRITE_SENT);
  }
  sea_send(t->core, id, (const char *)data + sent, len - (size_t)sent, true);
  return sea_napi_number(env, SEA_NAPI_WRITE_QUEUED);
}

static napi_value
gather(napi_env env, napi_callback_info info, bool last)
{
  napi_value args[ARGS_MAX];
  uint32_t n = 0;
  sea_napi_transport_t *t = enter(env, info, args);
  if (t == NULL || napi_get_array_length(env, args[1], &n) != napi_ok ||
      !sea_command_room(t->core, n)) {
    return sea_napi_boolean(env, false);
  }
  sea_conn_id_t id = sea_napi_id(env, args[0]);
  for (uint32_t i = 0; i < n; i++) {
    napi_value buffer;
    void *data = NULL;
    size_t len = 0;
    napi_get_element(env, args[1], i, &buffer);
    napi_get_buffer_info(env, buffer, &data, &len);
    sea_send(t->core, id, data, len, last && i == n - 1);
  }
  return sea_napi_boolean(env, true);
}

/* writev(id, buffers) -> whether all were taken; none were otherwise */
static napi_value
verb_writev(napi_env env, napi_callback_info info)
{
  return gather(env, info, true);
}

/* writevPart(id, buffers): the same, with more of the write to follow, and no SENT for this part */
static napi_value
verb_writev_part(napi_env env, napi_callback_info info)
{
  return gather(env, info, false);
}

/* -- commands without data: (id) -> whether taken ------------------------------------------------
 */

static napi_value
command(napi_env env, napi_callback_info info, int (*send)(sea_server_t *, sea_conn_id_t))
{
  napi_value args[ARGS_MAX];
  sea_napi_transport_t *t = enter(env, info, args);
  bool taken = t != NULL && send(t->core, sea_napi_id(env, args[0])) == 0;
  return sea_napi_boolean(env, taken);
}

static napi_value
verb_pause(napi_env env, napi_callback_info info)
{
  return command(env, info, sea_pause);
}

static napi_value
verb_resume(napi_env env, napi_callback_info info)
{
  return command(env, info, sea_resume);
}

static napi_value
verb_shutdown(napi_env env, napi_callback_info info)
{
  return command(env, info, sea_shutdown);
}

static int
close_with_fin(sea_server_t *core, sea_conn_id_t id)
{
  return sea_close(core, id, false);
}

static int
close_with_reset(sea_server_t *core, sea_conn_id_t id)
{
  return sea_close(core, id, true);
}

static napi_value
verb_close(napi_env env, napi_callback_info info)
{
  return command(env, info, close_with_fin);
}

static napi_value
verb_reset(napi_env env, napi_callback_info info)
{
  return command(env, info, close_with_reset);
}

static int
stop_accepting(sea_server_t *core, sea_conn_id_t unused)
{
  (void)unused;
  return sea_stop_accepting(core);
}

static napi_value
verb_stop_accepting(napi_env env, napi_callback_info info)
{
  return command(env, info, stop_accepting);
}

/* -- the server ---------------------------------------------------------------------------------
 */

static int
parse_address(const char *host, const char *port, sea_listen_t *spec)
{
  struct addrinfo *found = NULL;
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                           .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
  if (getaddrinfo(host, port, &hints, &found) != 0) {
    return -EINVAL;
  }
  memcpy(&spec->address, found->ai_addr, found->ai_addrlen);
  spec->address_len = found->ai_addrlen;
  freeaddrinfo(found);
  return 0;
}

/* A file's name, or behind a zero byte an abstract one. */
static int
read_path(napi_env env, napi_value path, sea_listen_t *spec)
{
  struct sockaddr_un *un = (struct sockaddr_un *)&spec->address;
  size_t len = 0;
  napi_get_value_string_utf8(env, path, NULL, 0, &len);
  if (len == 0 || len > sizeof un->sun_path) {
    return -EINVAL;
  }
  un->sun_family = AF_UNIX;
  /* Always ends with a zero byte; names of full length consist of padding there. */
  napi_get_value_string_utf8(env, path, un->sun_path, sizeof un->sun_path, NULL);
  bool abstract = un->sun_path[0] == '\0';
  if (!abstract && len == sizeof un->sun_path) {
    return -EINVAL;
  }
  spec->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + !abstract);
  return 0;
}

static int
read_address(napi_env env, napi_value object, sea_listen_t *spec)
{
  char host[NI_MAXHOST] = "";
  char port[8];
  napi_value address;
  napi_value path;
  napi_valuetype type;
  if (napi_get_named_property(env, object, "path", &path) == napi_ok &&
      napi_typeof(env, path, &type) == napi_ok && type == napi_string) {
    return read_path(env, path, spec);
  }
  snprintf(port, sizeof port, "%u", sea_napi_get_u32(env, object, "port", 0) & 0xffffU);
  if (napi_get_named_property(env, object, "address", &address) == napi_ok) {
    napi_get_value_string_utf8(env, address, host, sizeof host, NULL);
  }
  return parse_address(host, port, spec);
}

static void
read_listen(napi_env env, napi_value object, sea_listen_t *spec)
{
  *spec = (sea_listen_t){
      .backlog = (int)sea_napi_get_u32(env, object, "backlog", 511),
      .mode = sea_napi_get_u32(env, object, "mode", 0),
      .ipv6_only = sea_napi_get_bool(env, object, "ipv6Only"),
      .reuse_port = sea_napi_get_bool(env, object, "reusePort"),
      .no_delay = sea_napi_get_bool(env, object, "noDelay"),
      .keep_alive = sea_napi_get_bool(env, object, "keepAlive"),
      .keep_alive_s = sea_napi_get_u32(env, object, "keepAliveSeconds", 0),
      .defer_accept_s = sea_napi_get_u32(env, object, "deferAcceptSeconds", 0),
      .recv_buffer_bytes = sea_napi_get_u32(env, object, "recvBufferSize", 0),
      .send_buffer_bytes = sea_napi_get_u32(env, object, "sendBufferSize", 0),
  };
}

/* listen(spec) -> 0, or -errno */
static napi_value
verb_listen(napi_env env, napi_callback_info info)
{
  napi_value args[ARGS_MAX];
  sea_listen_t spec;
  const char *syscall;
  sea_napi_transport_t *t = enter(env, info, args);
  int error = -ESHUTDOWN;
  if (t != NULL) {
    read_listen(env, args[0], &spec);
    error = read_address(env, args[0], &spec);
  }
  if (error == 0) {
    error = sea_server_listen(t->core, &spec, &syscall);
  }
  return sea_napi_number(env, error);
}

/* adopt(spec, fd, shared) -> 0, or -errno; unless it is shared, the fd is the server's from then on
 */
static napi_value
verb_adopt(napi_env env, napi_callback_info info)
{
  napi_value args[ARGS_MAX];
  sea_listen_t spec;
  const char *syscall;
  sea_napi_transport_t *t = enter(env, info, args);
  int error = -ESHUTDOWN;
  if (t != NULL) {
    int fd = (int)sea_napi_u32(env, args[1], INT_MAX);
    bool shared = sea_napi_bool(env, args[2]);
    read_listen(env, args[0], &spec);
    error = shared ? sea_server_share(t->core, fd, &spec, &syscall)
                   : sea_server_adopt(t->core, fd, &spec, &syscall);
  }
  return sea_napi_number(env, error);
}

/* start() -> 0, or -errno */
static napi_value
verb_start(napi_env env, napi_callback_info info)
{
  napi_value args[ARGS_MAX];
  sea_napi_transport_t *t = enter(env, info, args);
  int error = -ESHUTDOWN;
  if (t != NULL) {
    error = t->inline_driver != NULL ? sea_napi_inline_start(t->inline_driver)
                                     : sea_server_start(t->core);
  }
  return sea_napi_number(env, error);
}

static napi_value
verb_address(napi_env env, napi_callback_info info)
{
  napi_value args[ARGS_MAX];
  struct sockaddr_storage address;
  sea_napi_transport_t *t = enter(env, info, args);
  if (t == NULL || sea_server_address(t->core, &address) < 0) {
    return sea_napi_undefined(env);
  }
  return sea_napi_address(env, &address);
}

static void
nudge(const sea_napi_transport_t *t)
{
  if (t->inline_driver != NULL) {
    sea_napi_inline_nudge(t->inline_driver);
  }
}

static napi_value
verb_flush(napi_env env, napi_callback_info info)
{
  napi_value args[ARGS_MAX];
  sea_napi_transport_t *t = enter(env, info, args);
  if (t != NULL) {
    sea_flush(t->core);
    nudge(t);
  }
  return NULL;
}

/* drain(): the events that a burst left */
static napi_value
verb_drain(napi_env env, napi_callback_info info)
{
  napi_value args[ARGS_MAX];
  sea_napi_transport_t *t = enter(env, info, args);
  if (t != NULL) {
    sea_napi_drain(t);
  }
  return NULL;
}

/* discard(): no more events will be taken */
static napi_value
verb_discard(napi_env env, napi_callback_info info)
{
  napi_value args[ARGS_MAX];
  sea_napi_transport_t *t = enter(env, info, args);
  if (t != NULL) {
    sea_discard(t->core);
  }
  return NULL;
}

static napi_value
verb_stop(napi_env env, napi_callback_info info)
{
  napi_value args[ARGS_MAX];
  sea_napi_transport_t *t = enter(env, info, args);
  if (t != NULL) {
    sea_stop(t->core);
    nudge(t);
  }
  return NULL;
}

static napi_value
verb_release(napi_env env, napi_callback_info info)
{
  napi_value args[ARGS_MAX];
  sea_napi_transport_t *t = enter(env, info, args);
  if (t != NULL) {
    sea_napi_transport_release(t);
  }
  return NULL;
}

static void
hold(napi_env env, sea_napi_transport_t *t, bool on)
{
  if (t->inline_driver != NULL) {
    sea_napi_inline_hold(t->inline_driver, on);
  } else if (on) {
    napi_ref_threadsafe_function(env, t->doorbell);
  } else {
    napi_unref_threadsafe_function(env, t->doorbell);
  }
}

static napi_value
verb_ref(napi_env env, napi_callback_info info)
{
  napi_value args[ARGS_MAX];
  sea_napi_transport_t *t = enter(env, info, args);
  if (t != NULL) {
    hold(env, t, true);
  }
  return NULL;
}

static napi_value
verb_unref(napi_env env, napi_callback_info info)
{
  napi_value args[ARGS_MAX];
  sea_napi_transport_t *t = enter(env, info, args);
  if (t != NULL) {
    hold(env, t, false);
  }
  return NULL;
}

/* info() -> see info.h */
static napi_value
verb_info(napi_env env, napi_callback_info info)
{
  napi_value args[ARGS_MAX];
  sea_napi_transport_t *t = enter(env, info, args);
  return t == NULL ? sea_napi_undefined(env) : sea_napi_info(env, t->core);
}

/* -- one connection's socket --------------------------------------------------------------------
 */

static napi_value
address_of(napi_env env, napi_callback_info info,
           int (*get)(sea_server_t *, sea_conn_id_t, struct sockaddr_storage *))
{
  napi_value args[ARGS_MAX];
  struct sockaddr_storage address;
  sea_napi_transport_t *t = enter(env, info, args);
  if (t == NULL || get(t->core, sea_napi_id(env, args[0]), &address) < 0) {
    return sea_napi_undefined(env);
  }
  return sea_napi_address(env, &address);
}

static napi_value
verb_peer(napi_env env, napi_callback_info info)
{
  return address_of(env, info, sea_conn_peer);
}

static napi_value
verb_local(napi_env env, napi_callback_info info)
{
  return address_of(env, info, sea_conn_local);
}

/* setNoDelay(id, on) -> 0 or -errno */
static napi_value
verb_set_no_delay(napi_env env, napi_callback_info info)
{
  napi_value args[ARGS_MAX];
  sea_napi_transport_t *t = enter(env, info, args);
  int error = -ENOTCONN;
  if (t != NULL) {
    error = sea_conn_no_delay(t->core, sea_napi_id(env, args[0]), sea_napi_bool(env, args[1]));
  }
  return sea_napi_number(env, error);
}

/* setKeepAlive(id, on, idleSeconds) -> 0 or -errno */
static napi_value
verb_set_keep_alive(napi_env env, napi_callback_info info)
{
  napi_value args[ARGS_MAX];
  sea_napi_transport_t *t = enter(env, info, args);
  int error = -ENOTCONN;
  if (t != NULL) {
    error = sea_conn_keep_alive(t->core, sea_napi_id(env, args[0]), sea_napi_bool(env, args[1]),
                                sea_napi_u32(env, args[2], 0));
  }
  return sea_napi_number(env, error);
}

static napi_value
verb_queued_bytes(napi_env env, napi_callback_info info)
{
  napi_value args[ARGS_MAX];
  sea_napi_transport_t *t = enter(env, info, args);
  uint64_t n = t == NULL ? 0 : sea_conn_queued(t->core, sea_napi_id(env, args[0]));
  return sea_napi_number(env, (double)n);
}

bool
sea_napi_define(napi_env env, napi_value object, sea_napi_transport_t *transport,
                const sea_napi_verb_t *verbs, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    napi_value function;
    if (napi_create_function(env, verbs[i].name, NAPI_AUTO_LENGTH, verbs[i].verb, transport,
                             &function) != napi_ok) {
      return false;
    }
    sea_napi_set(env, object, verbs[i].name, function);
  }
  return true;
}

bool
sea_napi_define_verbs(napi_env env, napi_value object, sea_napi_transport_t *transport)
{
  static const sea_napi_verb_t verbs[] = {
      {"write", verb_write},
      {"writeNow", verb_write_now},
      {"writev", verb_writev},
      {"writevPart", verb_writev_part},
      {"pause", verb_pause},
      {"resume", verb_resume},
      {"shutdown", verb_shutdown},
      {"close", verb_close},
      {"reset", verb_reset},
      {"stopAccepting", verb_stop_accepting},
      {"listen", verb_listen},
      {"adopt", verb_adopt},
      {"start", verb_start},
      {"address", verb_address},
      {"flush", verb_flush},
      {"drain", verb_drain},
      {"discard", verb_discard},
      {"stop", verb_stop},
      {"release", verb_release},
      {"ref", verb_ref},
      {"unref", verb_unref},
      {"info", verb_info},
      {"peer", verb_peer},
      {"local", verb_local},
      {"setNoDelay", verb_set_no_delay},
      {"setKeepAlive", verb_set_keep_alive},
      {"queuedBytes", verb_queued_bytes},
  };
  return sea_napi_define(env, object, transport, verbs, sizeof verbs / sizeof *verbs) &&
         sea_napi_define_raw_verbs(env, object, transport) &&
         sea_napi_define_http_verbs(env, object, transport);
}
