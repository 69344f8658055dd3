/* The host's life, and what it expects when it ends. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "support.h"

/* What this kernel is to be spared. Asked before a test plays with system calls. */
static sea_features_t features;

__attribute__((constructor)) static void
probe_kernel(void)
{
  const char *stage;
  (void)sea_probe(&features, &stage);
}

sea_options_t
default_options(void)
{
  sea_options_t options;
  sea_options_init(&options);
  options.watch_resets = features.recv_end < 0;
  options.undeferred = features.defer_wakes < 0;
  options.driver = inline_driver() ? SEA_DRIVER_INLINE : SEA_DRIVER_WORKER;
  return options;
}

sea_options_t
tiny_options(void)
{
  sea_options_t options = default_options();
  options.queue_depth = 8;
  options.event_capacity = 16;
  options.command_capacity = 16;
  options.buffer_count = 1;
  options.buffer_size = 64;
  return options;
}

sea_http_options_t
http_options(void)
{
  return (sea_http_options_t){.header_bytes = 16384,
                              .headers_max = 100,
                              .url_bytes = 8192,
                              .pipeline_max = 8,
                              .handler = true};
}

static void
ring_bell(void *arg)
{
  const host_t *host = arg;
  assert_int_equal(eventfd_write(host->bell, 1), 0);
}

static void
on_release(void *arg, void *holder)
{
  host_t *host = arg;
  assert_non_null(holder);
  host->released++;
}

host_t *
host_create(const sea_options_t *options)
{
  host_t *host = calloc(1, sizeof *host);
  assert_non_null(host);
  host->threads_before = server_threads();
  host->event_capacity = options->event_capacity; /* a power of two in all tests */
  host->inline_driver = options->driver == SEA_DRIVER_INLINE;
  host->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  assert_true(host->bell >= 0);
  sea_options_t own = *options;
  own.on_events = own.on_events != NULL ? own.on_events : ring_bell;
  own.on_release = on_release;
  own.arg = host;
  if (own.http != NULL) {
    host->event_capacity = UINT32_MAX; /* as many as it takes */
  }
  assert_int_equal(sea_server_create(&own, &host->server), 0);
  if (host->inline_driver) {
    inline_add(host);
  }
  return host;
}

void
host_listen(host_t *host)
{
  sea_listen_t spec = {.address_len = sizeof(struct sockaddr_in),
                       .backlog = 1024,
                       .no_delay = true,
                       .send_buffer_bytes = host->send_buffer_bytes};
  struct sockaddr_in *address = (struct sockaddr_in *)&spec.address;
  address->sin_family = AF_INET;
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const char *syscall;
  assert_int_equal(sea_server_listen(host->server, &spec, &syscall), 0);
  assert_int_equal(sea_server_address(host->server, &spec.address), 0);
  host->port = ntohs(address->sin_port);
  assert_int_equal(sea_server_start(host->server), 0);
}

host_t *
host_start(const sea_options_t *options)
{
  host_t *host = host_create(options);
  host_listen(host);
  return host;
}

void
host_destroy(host_t *host)
{
  if (host->inline_driver) {
    inline_remove(host);
  }
  sea_server_destroy(host->server);
  /* A joined thread may still be on its way out of the kernel's list. */
  until(server_threads() == host->threads_before, nap());
  host_forget(host);
  close(host->bell);
  free(host);
}

void
host_stop_quiet(host_t *host)
{
  sea_stop(host->server);
  host_until(host, host->stopped);
  assert_int_equal(sea_events_poll(host->server), 0);
  sea_info_t info = host_info(host);
  assert_int_equal(info.connections_active, 0);
  assert_int_equal(info.slots_in_use, 0);
  assert_int_equal(info.buffers_in_use, 0);
  assert_int_equal(info.connections_accepted, info.connections_closed);
  assert_true(host->listener_closed);
  host_destroy(host);
}

void
host_stop(host_t *host)
{
  sea_stop(host->server);
  host_until(host, host->stopped);
  sea_info_t info = host_info(host);
  assert_int_equal(host->opened, info.connections_accepted);
  assert_int_equal(host->closed, info.connections_closed);
  host_stop_quiet(host);
}

sea_info_t
host_info(const host_t *host)
{
  sea_info_t info;
  sea_server_info(host->server, &info);
  return info;
}

static bool
all_given_back(const host_t *host)
{
  sea_info_t info = host_info(host);
  return info.connections_active == 0 && info.slots_in_use == 0 && info.buffers_in_use == 0;
}

void
host_drain(host_t *host)
{
  host_until(host, host->closed == host->opened && host->opened > 0);
  /* What was consumed last comes back when the worker is awake the next time. */
  until(all_given_back(host), (sea_flush(host->server), host_turn(host)));
}
