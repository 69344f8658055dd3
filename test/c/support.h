/* What the C tests share: deadlines, recognisable bytes, a small host and clients.
 *
 * The test's own thread is the host. Clients run in threads of their own with plain sockets; what
 * goes wrong there ends the process through client_must(), because cmocka's assertions belong to
 * the test's thread. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sea.h"

/* How long anything may take before the test counts as stuck: 90 s, or more where
 * SEARINGS_TEST_TIME_SCALE says that all is slow. */
uint32_t deadline_ms(void);

/* Runs `step` until `condition` holds. */
#define until(condition, step)                           \
  do {                                                   \
    uint64_t deadline_ = monotonic_ms() + deadline_ms(); \
    while (!(condition)) {                               \
      assert_true(monotonic_ms() < deadline_);           \
      step;                                              \
    }                                                    \
  } while (0)

/* -- support.c -- */

uint64_t monotonic_ms(void);
/* Gives the processor away for about a millisecond, between two looks at a condition. */
void nap(void);
/* Threads of this process that a server started, or the kernel for its ring. */
int server_threads(void);
/* Whether the kernel is of this version or newer. */
bool kernel_is(int major, int minor);
/* What this version brought is there. Older kernels may have it too: vendors backport. */
void assert_since(int error, int major, int minor);
/* xorshift; the state must not be 0. */
uint32_t next_random(uint32_t *state);
/* The bytes of the endless stream `seed`, from `offset` on. */
void pattern_fill(void *bytes, size_t len, uint32_t seed, uint64_t offset);
bool pattern_matches(const void *bytes, size_t len, uint32_t seed, uint64_t offset);

/* -- support_host.c -- */

#define HOST_CONNS 4096

typedef struct host_chunk {
  struct host_chunk *next;
  size_t len;
  char bytes[];
} host_chunk_t;

/* What the host has seen of a connection. */
typedef struct host_conn {
  sea_conn_id_t id;
  uint64_t received;
  uint32_t sents;
  uint32_t drains;
  int32_t sent_result; /* of the last SENT */
  int32_t error;
  int32_t reason;
  int32_t shutdown_result;
  bool ended;
  bool failed;
  bool shut;
  bool closed;
  host_chunk_t *first; /* sent and not acknowledged */
  host_chunk_t *last;
} host_conn_t;

typedef struct host_command host_command_t;

typedef struct host {
  sea_server_t *server;
  uint16_t port;
  int bell;
  bool inline_driver;
  int threads_before;
  uint32_t event_capacity;
  uint32_t send_buffer_bytes; /* SO_SNDBUF, set before host_listen(); 0 = the system's */
  uint32_t opened;
  uint32_t closed;
  uint64_t received;
  uint32_t spaces;   /* COMMAND_SPACE events */
  uint32_t released; /* holders given back */
  bool stopped;
  bool listener_closed;
  bool posts; /* sea_post() is used, whose errors too are ERROR events: more may follow them */
  int32_t listener_result;
  host_command_t *waiting; /* refused commands, in order */
  host_command_t *waiting_last;
  uint32_t by_slot[HOST_CONNS];  /* index into conns */
  host_conn_t conns[HOST_CONNS]; /* in order of arrival */

  /* Any may be NULL. Without on_failed, a connection that failed is closed. */
  void (*on_open)(struct host *host, host_conn_t *conn);
  void (*on_data)(struct host *host, host_conn_t *conn, const void *bytes, size_t len);
  void (*on_end)(struct host *host, host_conn_t *conn);
  void (*on_failed)(struct host *host, host_conn_t *conn);
  void (*on_shutdown)(struct host *host, host_conn_t *conn);
  void (*on_request)(struct host *host, host_conn_t *conn, const sea_http_record_t *record);
  void (*on_request_end)(struct host *host, host_conn_t *conn);
  void (*on_http)(struct host *host, host_conn_t *conn, const sea_event_t *event); /* the others */
  void *arg;
} host_t;

/* A host whose server is created but not listening. */
host_t *host_create(const sea_options_t *options);
/* A host whose server listens on a free port of 127.0.0.1 and runs. */
host_t *host_start(const sea_options_t *options);
/* Listens on a free port and starts; for hosts made with host_create(). */
void host_listen(host_t *host);
/* Sends everything back, answers FIN with FIN and closes. */
void host_echo(host_t *host);
/* Small rings and one buffer of 64 bytes: everything that can run short does. */
sea_options_t tiny_options(void);
/* On the driver that SEARINGS_DRIVER names: worker or inline. */
sea_options_t default_options(void);
/* Without routes, and with a handler. */
sea_http_options_t http_options(void);

/* Waits a little for the doorbell and handles what there is. */
void host_turn(host_t *host);
/* The same without waiting. */
void host_turn_at_once(host_t *host);
#define host_until(host, condition) until(condition, host_turn(host))

/* Copies the bytes and sends them; refused commands wait for room and go out in order. */
void host_send(host_t *host, host_conn_t *conn, const void *bytes, size_t len);
/* A pattern's bytes. */
void host_send_pattern(host_t *host, host_conn_t *conn, size_t len, uint32_t seed, uint64_t offset);
void host_pause(host_t *host, host_conn_t *conn);
void host_resume(host_t *host, host_conn_t *conn);
void host_shutdown(host_t *host, host_conn_t *conn);
void host_close(host_t *host, host_conn_t *conn, bool reset);

sea_info_t host_info(const host_t *host);
/* Until all connections are closed, given back, and nothing is left in use. */
void host_drain(host_t *host);
/* Stops the server, expects that nothing is left of it, and destroys it. */
void host_stop(host_t *host);
/* The same for a server that answers its connections itself. */
void host_stop_quiet(host_t *host);
/* Destroys it as it is and expects its threads to be gone. */
void host_destroy(host_t *host);

/* -- between the files of the host (support_command.c, support_event.c) -- */

void host_retry(host_t *host);
/* The oldest chunk has left. */
void host_acknowledge(host_conn_t *conn);
void host_forget(host_t *host);

/* -- support_inline.c -- */

/* Whether SEARINGS_DRIVER is inline. */
bool inline_driver(void);
/* The calling thread runs the host's server. */
void inline_add(host_t *host);
void inline_remove(const host_t *host);
/* One pass, unless there is nothing to do: then it may sleep, and this answers false. */
bool inline_run(sea_server_t *server);
/* Runs them for a moment. */
void inline_nap(void);
/* Runs them until fd has one of the events. False, at once, when there are none to run. */
bool inline_wait(int fd, short events);
/* pthread_join(). */
void join(pthread_t thread);

/* -- support_client.c -- */

#define client_must(condition) ((condition) ? (void)0 : client_fail(#condition, __FILE__, __LINE__))

_Noreturn void client_fail(const char *condition, const char *file, int line);
/* A socket that is connected to 127.0.0.1:port, or -errno. */
int client_try_connect(uint16_t port);
int client_connect(uint16_t port);
void client_write(int fd, const void *bytes, size_t len);
void client_write_pattern(int fd, size_t len, uint32_t seed, uint64_t offset);
/* Reads until the end of the stream, all of the pattern. The bytes read; *error is 0 at FIN. */
uint64_t client_read_pattern(int fd, uint32_t seed, uint64_t offset, int *error);
/* Reads exactly len bytes of the pattern. */
void client_expect_pattern(int fd, size_t len, uint32_t seed, uint64_t offset);
/* FIN comes next. */
void client_expect_end(int fd);
/* Closes with RST. */
void client_reset(int fd);

/* A thread that talks on many connections at once and compares every byte that comes back. */
typedef struct traffic {
  uint16_t port;
  uint32_t conns;
  uint64_t bytes;     /* on each connection */
  uint32_t write_max; /* writes are of 1..write_max bytes */
  bool cut;           /* the server may end connections at any time */
  pthread_t thread;
  atomic_bool done;
} traffic_t;

void traffic_start(traffic_t *traffic);
void traffic_join(traffic_t *traffic);

#endif
