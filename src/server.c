/* The public verbs: what the host thread calls. Thin, over the loop and its driver. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "direct.h"
#include "http/http.h"
#include "inline.h"
#include "options.h"
#include "outbox.h"
#include "sea.h"
#include "sock.h"
#include "thread.h"

struct sea_server {
  sea_loop_t loop;
  sea_thread_t thread;
  bool started;
  bool gave_slots;       /* consumed events held slots, which the worker is to take back */
  uint32_t gave_buffers; /* likewise: how many */
  uint64_t data_consumed;
  struct sockaddr_storage address;
};

static bool
is_inline(const sea_server_t *server)
{
  return server->loop.options.driver == SEA_DRIVER_INLINE;
}

int
sea_server_create(const sea_options_t *options, sea_server_t **out)
{
  *out = NULL;
  if (!sea__options_valid(options)) {
    return -EINVAL;
  }
  sea_server_t *server = aligned_alloc(SEA_CACHE_LINE, sizeof *server);
  if (server == NULL) {
    return -ENOMEM;
  }
  memset(server, 0, sizeof *server);
  int error = sea__loop_init(&server->loop, options);
  if (error < 0) {
    free(server);
    return error;
  }
  *out = server;
  return 0;
}

static int
take_listener(sea_server_t *server, int fd, const char **syscall)
{
  sea_listener_t *listener = &server->loop.listener;
  int error = sea__sock_local(fd, &server->address);
  if (error < 0) {
    *syscall = "getsockname";
    return error;
  }
  listener->fd = fd;
  listener->is_local = server->address.ss_family == AF_UNIX;
  listener->wanted = true;
  listener->announced = false;
  return 0;
}

int
sea_server_listen(sea_server_t *server, const sea_listen_t *spec, const char **syscall)
{
  sea_listener_t *listener = &server->loop.listener;
  if (server->started || listener->fd >= 0) {
    *syscall = "listen";
    return -EALREADY;
  }
  int fd = sea__sock_listen(spec, syscall);
  if (fd < 0) {
    return fd;
  }
  int error = take_listener(server, fd, syscall);
  if (error < 0) {
    sea__sock_unlisten(fd, spec);
    return error;
  }
  const struct sockaddr_un *un = (const struct sockaddr_un *)&server->address;
  bool named = un->sun_family == AF_UNIX && un->sun_path[0] != '\0'; /* and not abstract */
  listener->path = named ? un->sun_path : NULL;
  return 0;
}

int
sea_server_adopt(sea_server_t *server, int fd, const sea_listen_t *spec, const char **syscall)
{
  *syscall = "listen";
  if (server->started || server->loop.listener.fd >= 0) {
    return -EALREADY;
  }
  int error = sea__sock_adopt(fd, spec, syscall);
  return error < 0 ? error : take_listener(server, fd, syscall);
}

int
sea_server_share(sea_server_t *server, int fd, const sea_listen_t *spec, const char **syscall)
{
  *syscall = "listen";
  if (sea__sock_is_local_listener(fd)) {
    return -EEXIST;
  }
  int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (own < 0) {
    return -errno;
  }
  int error = sea_server_adopt(server, own, spec, syscall);
  if (error < 0) {
    close(own);
  }
  return error;
}

int
sea_server_start(sea_server_t *server)
{
  if (server->started) {
    return -EALREADY;
  }
  int error = is_inline(server) ? sea__inline_start(&server->loop)
                                : sea__thread_start(&server->thread, &server->loop);
  server->started = error == 0;
  return error;
}

int
sea_server_address(const sea_server_t *server, struct sockaddr_storage *address)
{
  *address = server->address;
  return server->address.ss_family == AF_UNSPEC ? -ENOTCONN : 0;
}

void
sea_server_destroy(sea_server_t *server)
{
  if (server == NULL) {
    return;
  }
  sea_loop_t *loop = &server->loop;
  if (server->started) {
    atomic_fetch_or_explicit(&loop->orders, SEA_ORDER_STOP | SEA_ORDER_DISCARD,
                             memory_order_acq_rel);
    if (is_inline(server)) {
      sea__inline_finish(loop);
    } else {
      sea__wake_rouse(&loop->wake, SEA_SLEEP_COMMANDS | SEA_SLEEP_SPACE | SEA_SLEEP_STALL);
      sea__thread_join(&server->thread);
    }
  }
  if (loop->listener.fd >= 0) {
    sea__accept_close(&loop->listener);
  }
  sea__loop_deinit(loop);
  free(server);
}

/* Those that the worker has not taken back yet are free for all that anybody can tell. */
static uint64_t
buffers_in_use(const sea_server_t *server)
{
  const sea_stats_t *stats = &server->loop.stats;
  uint64_t given_back = server->data_consumed - sea__stat_get(&stats->data_reclaimed);
  uint64_t in_use = sea__stat_get(&stats->buffers_in_use);
  return in_use > given_back ? in_use - given_back : 0;
}

void
sea_server_info(const sea_server_t *server, sea_info_t *info)
{
  const sea_loop_t *loop = &server->loop;
  const sea_stats_t *stats = &loop->stats;
  *info = (sea_info_t){
      .connections_active = sea__stat_get(&stats->connections_active),
      .connections_accepted = sea__stat_get(&stats->connections_accepted),
      .connections_closed = sea__stat_get(&stats->connections_closed),
      .connections_rejected = sea__stat_get(&stats->connections_rejected),
      .slots_in_use = sea__stat_get(&stats->slots_in_use),
      .buffers_in_use = buffers_in_use(server),
      .idle_timeouts = sea__stat_get(&stats->idle_timeouts),
      .accept_backoffs = sea__stat_get(&stats->accept_backoffs),
      .bytes_received = sea__stat_get(&stats->bytes_received),
      .bytes_sent = sea__stat_get(&stats->bytes_sent) + sea__stat_get(&loop->direct_bytes),
      .direct_sends = sea__stat_get(&loop->direct_sends),
      .command_refusals = sea__stat_get(&loop->commands.refusals),
      .event_stalls = sea__stat_get(&stats->event_stalls),
      .buffer_starvations = sea__stat_get(&stats->buffer_starvations),
      .multishot_rearms = sea__stat_get(&stats->multishot_rearms),
      .cq_overflows = sea__stat_get(&stats->cq_overflows),
      .enters = sea__stat_get(&stats->enters),
      .doorbells = sea__stat_get(&stats->doorbells),
      .wakeups = sea__stat_get(&loop->wake.wakeups),
      .passes = sea__stat_get(&stats->passes),
      .bundle_completions = sea__stat_get(&stats->bundle_completions),
      .bundle_buffers = sea__stat_get(&stats->bundle_buffers),
      .bundle_bytes = sea__stat_get(&stats->bundle_bytes),
      .zero_copy_requests = sea__stat_get(&stats->zero_copy_requests),
      .zero_copy_notifications = sea__stat_get(&stats->zero_copy_notifications),
      .zero_copy_copied = sea__stat_get(&stats->zero_copy_copied),
      .zero_copy_errors = sea__stat_get(&stats->zero_copy_errors),
      .send_buffer_requests = sea__stat_get(&stats->send_buffer_requests),
      .send_buffer_misses = sea__stat_get(&stats->send_buffer_misses),
      .zcrx_packets = sea__stat_get(&stats->zcrx_packets),
      .zcrx_bytes = sea__stat_get(&stats->zcrx_bytes),
      .zcrx_refills = sea__stat_get(&stats->zcrx_refills),
      .zcrx_copies = sea__stat_get(&stats->zcrx_copies),
      .zcrx_exhaustions = sea__stat_get(&stats->zcrx_exhaustions),
      .http = loop->http != NULL,
      .http_requests = sea__stat_get(&stats->http_requests),
      .http_fixed = sea__stat_get(&stats->http_fixed),
      .http_refused = sea__stat_get(&stats->http_refused),
      .http_timeouts = sea__stat_get(&stats->http_timeouts),
  };
  if (server->started) {
    /* Fixed before the worker reported that it had started. */
    info->ring_flags = loop->ring.flags;
    info->sq_entries = loop->ring.uring.sq.ring_entries;
    info->cq_entries = loop->ring.uring.cq.ring_entries;
    info->buffer_count = loop->buffers.count;
    info->buffer_size = loop->buffers.size;
    info->send_buffer_count = loop->zero_copy.buffers.count;
    info->send_buffer_size = loop->zero_copy.buffers.size;
    info->restricted = loop->restricted;
    info->recv_bundles = loop->recv_bundles;
    info->incremental_buffers = loop->incremental_buffers;
    info->zero_copy_send = loop->zero_copy.state;
    info->send_buffers = loop->zero_copy.buffers.state;
    info->zcrx = loop->zcrx.state;
    info->zcrx_area_size = loop->zcrx.state == SEA_PATH_ON ? loop->zcrx.memory_size : 0;
  }
}

/* -- running the loop inline ------------------------------------------------------------------ */

void
sea_inline_pass(sea_server_t *server)
{
  if (server->started) {
    sea__inline_pass(&server->loop);
  }
}

bool
sea_inline_sleep(sea_server_t *server)
{
  return !server->started || sea__inline_sleep(&server->loop);
}

void
sea_inline_wake(sea_server_t *server)
{
  if (server->started) {
    sea__inline_wake(&server->loop);
  }
}

int
sea_inline_fd(const sea_server_t *server)
{
  return server->loop.wake.ring_fd;
}

int64_t
sea_inline_wait_ms(sea_server_t *server)
{
  return server->started ? sea__inline_wait_ms(&server->loop) : -1;
}

/* -- commands --------------------------------------------------------------------------------- */

static int
push(sea_server_t *server, sea_command_op_t op, sea_conn_id_t id)
{
  sea_command_t command = {
      .op = (uint8_t)op,
      .slot = sea_conn_id_slot(id),
      .generation = sea_conn_id_generation(id),
  };
  return sea__commands_push(&server->loop.commands, &command);
}

int
sea_send(sea_server_t *server, sea_conn_id_t id, const void *data, size_t len, bool last)
{
  sea_command_t command = {
      .op = SEA_COMMAND_SEND,
      .last = last,
      .slot = sea_conn_id_slot(id),
      .generation = sea_conn_id_generation(id),
      .data = data,
      .len = len,
  };
  int error = sea__commands_push(&server->loop.commands, &command);
  if (error == 0) {
    sea__direct_given(&server->loop, id);
  }
  return error;
}

ssize_t
sea_send_now(sea_server_t *server, sea_conn_id_t id, const void *data, size_t len)
{
  return sea__direct_send(&server->loop, id, data, len);
}

bool
sea_worker_sleeps(const sea_server_t *server)
{
  return is_inline(server) || sea__wake_sleeps(&server->loop.wake);
}

int
sea_post(sea_server_t *server, sea_outgoing_t *entries, uint32_t n, bool finish)
{
  return sea__outbox_post(&server->loop, entries, n, finish);
}

uint32_t
sea_broadcast(sea_server_t *server, const sea_conn_id_t *ids, uint32_t n, sea_outgoing_t *what,
              uint32_t *stopped)
{
  return sea__outbox_broadcast(&server->loop, ids, n, what, stopped);
}

int
sea_http_respond(sea_server_t *server, sea_http_response_t *response)
{
  return sea__http_respond(&server->loop, response);
}

void
sea_http_limit_times(sea_server_t *server, uint32_t headers_ms, uint32_t request_ms)
{
  if (server->loop.http != NULL) {
    sea__http_limit_times(server->loop.http, headers_ms, request_ms);
  }
}

bool
sea_command_room(sea_server_t *server, uint32_t n)
{
  return sea__commands_room(&server->loop.commands, n);
}

int
sea_pause(sea_server_t *server, sea_conn_id_t id)
{
  return push(server, SEA_COMMAND_PAUSE, id);
}

int
sea_resume(sea_server_t *server, sea_conn_id_t id)
{
  return push(server, SEA_COMMAND_RESUME, id);
}

int
sea_shutdown(sea_server_t *server, sea_conn_id_t id)
{
  return push(server, SEA_COMMAND_SHUTDOWN, id);
}

int
sea_close(sea_server_t *server, sea_conn_id_t id, bool reset)
{
  return push(server, reset ? SEA_COMMAND_RESET : SEA_COMMAND_CLOSE, id);
}

int
sea_stop_accepting(sea_server_t *server)
{
  return push(server, SEA_COMMAND_STOP_ACCEPTING, 0);
}

void
sea_stop(sea_server_t *server)
{
  atomic_fetch_or_explicit(&server->loop.orders, SEA_ORDER_STOP, memory_order_acq_rel);
  sea__wake_rouse(&server->loop.wake, SEA_SLEEP_COMMANDS);
}

void
sea_discard(sea_server_t *server)
{
  atomic_fetch_or_explicit(&server->loop.orders, SEA_ORDER_DISCARD, memory_order_acq_rel);
  sea__wake_rouse(&server->loop.wake, SEA_SLEEP_COMMANDS | SEA_SLEEP_STALL | SEA_SLEEP_SPACE);
}

/* How many given back are worth waking the worker for. */
static uint32_t
many_buffers(const sea_loop_t *loop)
{
  uint32_t n = loop->buffers.count / 4;
  return loop->zcrx.state == SEA_PATH_ON ? sea__min_u32(n, loop->zcrx.area.count / 4) : n;
}

void
sea_flush(sea_server_t *server)
{
  const sea_commands_t *commands = &server->loop.commands;
  /* Buffers are taken back whenever the worker wakes by itself; it is woken for many only. One that
   * is short of them sleeps for SEA_SLEEP_SPACE. */
  bool wanted = server->gave_slots || server->gave_buffers > many_buffers(&server->loop) ||
                sea__commands_pending(commands) ||
                atomic_load_explicit(&commands->starved, memory_order_relaxed);
  if (wanted) {
    server->gave_slots = false;
    server->gave_buffers = 0;
    sea__wake_rouse(&server->loop.wake, SEA_SLEEP_COMMANDS);
  }
  uint32_t orders = atomic_load_explicit(&server->loop.orders, memory_order_relaxed);
  if (is_inline(server) && (orders & SEA_ORDER_DISCARD) != 0) {
    sea_inline_pass(server);
  }
}

/* -- events ----------------------------------------------------------------------------------- */

uint32_t
sea_events_poll(sea_server_t *server)
{
  return sea__events_pending(&server->loop.events);
}

bool
sea_events_again(sea_server_t *server)
{
  sea_loop_t *loop = &server->loop;
  if (sea__payloads_waiting(&loop->payloads)) {
    sea__payloads_collect(&loop->payloads);
  }
  if (sea__events_pending(&loop->events) > 0) {
    return true;
  }
  /* From here on the worker rings again. What it published just before it saw the bell still set is
   * found by the second look: the exchange pairs with the one in ring_bell(). */
  atomic_exchange_explicit(&loop->bell, false, memory_order_acq_rel);
  if (sea__payloads_waiting(&loop->payloads)) {
    sea__payloads_collect(&loop->payloads);
  }
  return sea__events_pending(&loop->events) > 0 &&
         !atomic_exchange_explicit(&loop->bell, true, memory_order_acq_rel);
}

const sea_event_t *
sea_event_at(const sea_server_t *server, uint32_t i)
{
  return sea__events_at(&server->loop.events, i);
}

const void *
sea_event_data(const sea_server_t *server, const sea_event_t *event)
{
  const sea_loop_t *loop = &server->loop;
  if ((event->marks & SEA_MARK_BLOCK) != 0) {
    return sea__http_block_data(&loop->http->blocks, event->buffer_id) + event->offset;
  }
  return sea__loop_data(loop, event);
}

void
sea_events_consume(sea_server_t *server, uint32_t n)
{
  for (uint32_t i = 0; i < n; i++) {
    const sea_event_t *event = sea__events_at(&server->loop.events, i);
    server->gave_slots |= event->kind == SEA_EVENT_CLOSED || event->kind == SEA_EVENT_REQUEST;
    server->gave_buffers += sea__event_has_buffer(event);
    server->data_consumed += sea__event_has_buffer(event);
  }
  sea__events_consume(&server->loop.events, n);
  sea__wake_rouse(&server->loop.wake, SEA_SLEEP_SPACE);
}

/* -- one connection's socket ------------------------------------------------------------------ */

int
sea_conn_peer(sea_server_t *server, sea_conn_id_t id, struct sockaddr_storage *address)
{
  int fd = sea__slab_lock_fd(&server->loop.slab, id);
  if (fd < 0) {
    return fd;
  }
  int error = sea__sock_peer(fd, address);
  sea__slab_unlock(&server->loop.slab);
  return error;
}

int
sea_conn_local(sea_server_t *server, sea_conn_id_t id, struct sockaddr_storage *address)
{
  int fd = sea__slab_lock_fd(&server->loop.slab, id);
  if (fd < 0) {
    return fd;
  }
  int error = sea__sock_local(fd, address);
  sea__slab_unlock(&server->loop.slab);
  return error;
}

int
sea_conn_no_delay(sea_server_t *server, sea_conn_id_t id, bool on)
{
  int fd = sea__slab_lock_fd(&server->loop.slab, id);
  if (fd < 0) {
    return fd;
  }
  int error = sea__sock_no_delay(fd, on);
  sea__slab_unlock(&server->loop.slab);
  return error;
}

int
sea_conn_keep_alive(sea_server_t *server, sea_conn_id_t id, bool on, uint32_t idle_s)
{
  int fd = sea__slab_lock_fd(&server->loop.slab, id);
  if (fd < 0) {
    return fd;
  }
  int error = sea__sock_keep_alive(fd, on, idle_s);
  sea__slab_unlock(&server->loop.slab);
  return error;
}

uint64_t
sea_conn_queued(sea_server_t *server, sea_conn_id_t id)
{
  return sea__slab_queued(&server->loop.slab, id);
}

uint32_t
sea_conn_heads(sea_server_t *server, sea_conn_id_t id)
{
  return sea__slab_heads(&server->loop.slab, id);
}
