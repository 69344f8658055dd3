/* searings core: one io_uring server whose socket I/O runs on a worker thread of its own, or inline
 * on the thread of its host.
 *
 * Threads. Two threads touch a server: the *worker*, which this library starts and which owns the
 * ring, the listening socket and every connection; and the *host*, the one thread that calls the
 * functions below. All functions are host-thread functions; none blocks on a peer. The one
 * callback, `on_events`, runs on the worker. With SEA_DRIVER_INLINE the host is the worker too: it
 * runs the loop by the sea_inline_*() functions, and nothing happens between their calls.
 *
 * Errors. Functions return 0 (or a count) or a negative errno. Nothing prints, nothing exits.
 *
 * Memory. Bytes given to sea_send() stay the caller's and must stay unchanged until the SENT event
 * of their batch or the CLOSED event of their connection has been consumed. Bytes of a DATA event
 * stay readable until the event is consumed; consuming it gives the buffer back to the kernel. */
#ifndef SEA_H
#define SEA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

typedef struct sea_server sea_server_t;

/* A connection's name: slot index in the low SEA_SLOT_BITS, generation above. 52 bits, so
 * that it is a safe integer in JavaScript. A generation is never 0, so no valid id is 0. */
typedef uint64_t sea_conn_id_t;
#define SEA_SLOT_BITS 24
#define SEA_GENERATION_BITS 28

static inline uint32_t
sea_conn_id_slot(sea_conn_id_t id)
{
  return (uint32_t)(id & ((1U << SEA_SLOT_BITS) - 1));
}

static inline uint32_t
sea_conn_id_generation(sea_conn_id_t id)
{
  return (uint32_t)(id >> SEA_SLOT_BITS);
}

typedef enum sea_event_kind {
  SEA_EVENT_OPEN = 1, /* a connection was accepted; generation tells its id */
  SEA_EVENT_DATA,     /* result = byte count; see sea_event_data() */
  SEA_EVENT_END,      /* the peer's FIN; all data came before */
  SEA_EVENT_ERROR,    /* result = -errno; receiving failed, or a sea_post() after it was taken. The
                         connection is still to be closed */
  SEA_EVENT_SENT,     /* the send marked `last` left for the kernel (0) or failed (-errno) */
  SEA_EVENT_SHUTDOWN, /* answer to sea_shutdown(): 0 or -errno */
  SEA_EVENT_DRAIN,    /* a sea_post() or sea_broadcast() was refused; there is room again */
  SEA_EVENT_REQUEST,  /* HTTP: a request's head; result = bytes of its sea_http_record_t */
  SEA_EVENT_TRAILERS, /* HTTP: those of the request; result = bytes of a sea_http_record_t */
  SEA_EVENT_REQUEST_END, /* HTTP: the request's body is over; DATA came before */
  SEA_EVENT_RAW,    /* HTTP: from here on DATA is everything the peer sends, from a head's begin */
  SEA_EVENT_FAILED, /* HTTP: what was received of a request is no request, or came too late; result
                       = the status to say so with; 0 = it ended in the middle. No more is parsed */
  SEA_EVENT_CLOSED, /* the socket is gone; result = sea_close_reason_t; always the last event */
  SEA_EVENT_COMMAND_SPACE,   /* a command was refused with -EAGAIN; there is room again */
  SEA_EVENT_LISTENER_CLOSED, /* accepting has ended; result = 0 or the -errno that ended it */
  SEA_EVENT_STOPPED, /* the worker has released everything; always the last event of a server */
} sea_event_kind_t;

typedef enum sea_close_reason {
  SEA_CLOSE_ASKED = 0, /* sea_close() */
  SEA_CLOSE_STOP,      /* the server was stopped */
  SEA_CLOSE_IDLE,      /* no traffic for idle_ms */
  SEA_CLOSE_NO_MEMORY, /* the worker could not queue a send */
} sea_close_reason_t;

typedef struct sea_event {
  uint8_t kind;       /* sea_event_kind_t */
  uint8_t marks;      /* the core's */
  uint16_t buffer_id; /* DATA: the provided buffer that holds the bytes. HTTP: or a block */
  uint32_t slot;
  uint32_t generation;
  int32_t result;
  uint32_t offset; /* DATA: where in that buffer they begin */
} sea_event_t;

/* -- HTTP ---------------------------------------------------------------------------------------
 *
 * A server with sea_options_t.http parses requests on the worker. What does not deserve an answer
 * of the host's gets the worker's: requests with a fixed response, and everything that is refused.
 * The others come as REQUEST, then DATA and REQUEST_END if there is a body, and are answered with
 * sea_http_respond(), in any order: the worker sends the responses of a connection in the order of
 * its requests. Of connections the host is told OPEN and CLOSED. Without `handler` it is told
 * nothing.
 *
 * With `facade` the worker only parses, and the host does everything else, with the verbs and
 * events of a connection that does not speak HTTP. It then also gets TRAILERS, FAILED and, for what
 * is no plain request (an upgrade, CONNECT, what is refused at its head), RAW. */

/* How a response's head is completed. */
typedef enum sea_http_reply_flag {
  SEA_HTTP_REPLY_HEAD = 1 << 0,      /* to HEAD: the length is said, the body is not sent */
  SEA_HTTP_REPLY_1_0 = 1 << 1,       /* to HTTP/1.0 with keep-alive */
  SEA_HTTP_REPLY_CLOSE = 1 << 2,     /* the connection closes after it */
  SEA_HTTP_REPLY_NO_LENGTH = 1 << 3, /* no Content-Length */
  SEA_HTTP_REPLY_NO_DATE = 1 << 4,   /* no Date */
  SEA_HTTP_REPLY_NO_BODY = 1 << 5,   /* 204, 304 */
} sea_http_reply_flag_t;

/* A fixed response. The core keeps copies. */
typedef struct sea_http_route {
  const char *path; /* NULL: of every request without a route of its own, whatever its method;
                       otherwise of GET and HEAD for exactly this path */
  size_t path_len;
  uint32_t flags;   /* sea_http_reply_flag_t */
  const char *head; /* status line and header lines, each with its CRLF */
  size_t head_len;
  const void *body;
  size_t body_len;
} sea_http_route_t;

typedef struct sea_http_options {
  uint32_t header_bytes;  /* of a request's head; 431 above */
  uint32_t headers_max;   /* 431 above */
  uint32_t url_bytes;     /* 414 above */
  uint64_t body_bytes;    /* 413 above; 0 = no limit */
  uint32_t pipeline_max;  /* requests of one connection that are looked at before the first is
                             answered; the others wait, and the peer with them */
  uint32_t headers_ms;    /* for a head to arrive: 408; 0 = no limit, also of the next two */
  uint32_t request_ms;    /* for a request to arrive: 408 */
  uint32_t keep_alive_ms; /* between two requests: closed */
  bool handler;           /* requests without a route are the host's; otherwise 404 */
  bool facade;            /* see above; without routes */
  const sea_http_route_t *routes;
  uint32_t route_count;
} sea_http_options_t;

/* A request's head: this, then `count` pairs of lengths (name, value), then the texts: the URL, and
 * the names and values in turn, with nothing between them. */
typedef struct sea_http_record {
  uint32_t seq; /* which request of its connection; for sea_http_respond() */
  uint32_t method;
  uint32_t flags;      /* SEA_HTTP_RECORD_* */
  uint32_t head_bytes; /* as it was received */
  uint32_t url_len;
  uint32_t count;
} sea_http_record_t;

enum {
  SEA_HTTP_RECORD_KEEP_ALIVE = 1 << 0,
  SEA_HTTP_RECORD_HEAD = 1 << 1,
  SEA_HTTP_RECORD_1_0 = 1 << 2,
  SEA_HTTP_RECORD_COMPLETE = 1 << 8, /* there is no body, and REQUEST_END does not follow */
};

#define SEA_INTERFACE_NAME_MAX 16

/* Who runs the loop. */
typedef enum sea_driver {
  SEA_DRIVER_WORKER = 0, /* a thread of the server's own */
  SEA_DRIVER_INLINE,     /* the host, see sea_inline_pass() */
} sea_driver_t;

typedef struct sea_options {
  sea_driver_t driver;   /* default SEA_DRIVER_WORKER */
  uint32_t queue_depth;  /* submission queue entries, 8..32768; default 256 */
  uint32_t buffer_count; /* provided receive buffers, 1..32768, rounded up to 2^n; default 1024 */
  uint32_t buffer_size;  /* bytes of each, 64..1 MiB; default 16 KiB */
  uint32_t command_capacity; /* command ring entries, rounded up to 2^n; default 65536 */
  uint32_t event_capacity;   /* event ring entries, rounded up to 2^n; default 65536 */
  uint32_t busy_poll_us;     /* before the worker sleeps it looks for work so long; 0..1000; 0 */
  uint32_t conns_max;        /* refuse connections above this many; 0 = no limit */
  uint32_t idle_ms;          /* close a connection after so long without traffic; 0 = never */
  uint32_t send_queue_max;   /* sends of sea_post() that one connection may have queued; 1024 */
  bool undeferred;   /* inline: the ring does not defer work, where the features lack defer_wakes */
  bool watch_resets; /* a poll beside each connection's receive: where the features lack recv_end */
  /* Fast paths: used where the kernel has them, otherwise done without; sea_info_t tells. Off. */
  bool recv_bundles;        /* 6.10: one receive fills several buffers */
  bool incremental_buffers; /* 6.12: several receives fill one buffer; goes before recv_bundles */
  bool zero_copy_send;      /* 6.0, gathered sends 6.1 */
  bool send_buffers;        /* zero-copy sends from registered memory, which bytes are copied to */
  uint32_t zero_copy_min;   /* bytes; shorter sends are plain ones; default 32 KiB */
  uint32_t send_buffer_count; /* of the registered memory, 1..1024; default 64 */
  uint32_t send_buffer_size;  /* bytes of each, 4 KiB..1 MiB; longer sends do without; 64 KiB */
  /* Zero-copy receive, 6.15: a receive queue of a network card for this server alone. */
  bool zcrx;
  char zcrx_interface[SEA_INTERFACE_NAME_MAX]; /* with the terminating 0 */
  bool zcrx_no_device; /* 7.1, instead of an interface: the kernel copies to the area; for tests */
  uint32_t zcrx_rx_queue;
  uint32_t zcrx_area_size;   /* bytes the card may write to, 1 MiB..2 GiB; default 64 MiB */
  uint32_t zcrx_buffer_size; /* 0 = a page; otherwise 2^n, which takes 7.0 and a card that can */
  bool restricted;           /* the ring can do what a server needs and no more; default on */
  bool echo;                 /* the worker sends back what it receives; no connection events */
  const sea_http_options_t *http; /* the worker speaks HTTP; read during create only. NULL = off */
  void (*on_events)(void *arg);   /* doorbell, called on the worker: there are events to take */
  /* On the host: the bytes of a sea_outgoing_t with this holder are not needed any more. */
  void (*on_release)(void *arg, void *holder);
  void *arg;
} sea_options_t;

typedef struct sea_listen {
  struct sockaddr_storage address; /* IPv4, IPv6 or Unix, abstract names included */
  socklen_t address_len;
  int backlog;
  uint32_t mode; /* Unix socket file: permission bits to add; 0 = as the umask has it */
  bool ipv6_only;
  bool reuse_port;
  bool no_delay;              /* TCP_NODELAY on accepted connections */
  bool keep_alive;            /* SO_KEEPALIVE on accepted connections */
  uint32_t keep_alive_s;      /* TCP_KEEPIDLE in seconds; 0 = the system's */
  uint32_t defer_accept_s;    /* TCP_DEFER_ACCEPT in seconds; 0 = off */
  uint32_t recv_buffer_bytes; /* SO_RCVBUF; 0 = the system's */
  uint32_t send_buffer_bytes; /* SO_SNDBUF; 0 = the system's */
} sea_listen_t;

/* What the kernel offers, each found by trying it: 0 = works, otherwise the -errno it answered. */
typedef struct sea_features {
  int ring;                /* io_uring_setup(2) and io_uring_enter(2) */
  int submit_all;          /* 5.18 */
  int coop_taskrun;        /* 5.19 */
  int single_issuer;       /* 6.0 */
  int defer_taskrun;       /* 6.1 */
  int registered_ring;     /* 5.18 */
  int buffer_ring;         /* 5.19; needed */
  int multishot_accept;    /* 5.19; needed */
  int multishot_recv;      /* 6.0; needed */
  int cancel_fd;           /* 5.19; needed */
  int send_zero_copy;      /* 6.0, gathered 6.1 */
  int recv_bundles;        /* 6.10 */
  int incremental_buffers; /* 6.12 */
  int defer_wakes; /* deferred work wakes who sleeps on the ring's eventfd, at once: not on 6.12.117
                      and 7.2.13 */
  int recv_end;    /* a multishot receive tells of a reset that came with the bytes: not so
                      from 6.5 on, but for those kernels that got the correction of 2026 */
} sea_features_t;

enum {
  SEA_PATH_OFF = 0, /* not asked for */
  SEA_PATH_ON = 1,
};

typedef struct sea_info {
  uint64_t connections_active;
  uint64_t connections_accepted;
  uint64_t connections_closed;
  uint64_t connections_rejected;
  uint64_t slots_in_use;
  uint64_t buffers_in_use;
  uint64_t idle_timeouts;
  uint64_t accept_backoffs;
  uint64_t bytes_received;
  uint64_t bytes_sent;
  uint64_t direct_sends; /* by sea_send_now() */
  uint64_t command_refusals;
  uint64_t event_stalls;
  uint64_t buffer_starvations;
  uint64_t multishot_rearms;
  uint64_t cq_overflows;
  uint64_t enters;
  uint64_t doorbells;
  uint64_t wakeups;
  uint64_t passes;
  uint32_t ring_flags; /* IORING_SETUP_* the ring runs with */
  uint32_t sq_entries;
  uint32_t cq_entries;
  uint32_t buffer_count; /* after rounding, and after stepping down on -ENOMEM */
  uint32_t buffer_size;
  uint32_t send_buffer_count;
  uint32_t send_buffer_size;
  uint64_t bundle_completions; /* receives that filled more than one buffer */
  uint64_t bundle_buffers;
  uint64_t bundle_bytes;
  uint64_t zero_copy_requests;
  uint64_t zero_copy_notifications;
  uint64_t zero_copy_copied; /* of these: the kernel copied after all */
  uint64_t zero_copy_errors; /* refused, and sent plainly */
  uint64_t send_buffer_requests;
  uint64_t send_buffer_misses; /* too long for a buffer, or none was free */
  int32_t restricted;          /* as the fast paths */
  bool http;                   /* speaks it; the next are 0 otherwise */
  uint64_t http_requests;
  uint64_t http_fixed;    /* of these: answered by the worker, from a route */
  uint64_t http_refused;  /* answered by the worker because of a violation or limit */
  uint64_t http_timeouts; /* connections ended by a time limit of HTTP */
  /* Of each fast path: SEA_PATH_ON, SEA_PATH_OFF or the -errno for which it is off. */
  int32_t recv_bundles;
  int32_t incremental_buffers;
  int32_t zero_copy_send;
  int32_t send_buffers;
  int32_t zcrx;
  uint64_t zcrx_packets;     /* pieces received into the area */
  uint64_t zcrx_bytes;       /* in them */
  uint64_t zcrx_refills;     /* pieces given back to the kernel */
  uint64_t zcrx_copies;      /* times a connection went on with ordinary receives */
  uint64_t zcrx_exhaustions; /* of these: because the area had no buffer free */
  uint64_t zcrx_area_size;
} sea_info_t;

/* -- host: life of a server ------------------------------------------------------------------ */

void sea_options_init(sea_options_t *options);

/* Tries every feature on a ring and sockets of its own. 0 when a server can run here, otherwise the
 * -errno of the first feature without which it cannot; *stage then names what failed. */
int sea_probe(sea_features_t *features, const char **stage);

/* Memory and eventfds only; no thread yet. *out is NULL on error. */
int sea_server_create(const sea_options_t *options, sea_server_t **out);

/* Binds and listens. On error *syscall names the call that failed. Once per server, before start.
 */
int sea_server_listen(sea_server_t *server, const sea_listen_t *spec, const char **syscall);

/* The same for a stream socket that is there already, bound and perhaps listening. The address of
 * `spec` is not looked at. The server owns fd once this has answered 0. */
int sea_server_adopt(sea_server_t *server, int fd, const sea_listen_t *spec, const char **syscall);

/* The same by a descriptor of the server's own: fd stays who calls'. -EEXIST for a Unix socket that
 * listens: who has it would go on taking clients, and removes its file with it. */
int sea_server_share(sea_server_t *server, int fd, const sea_listen_t *spec, const char **syscall);

/* Starts the worker and waits until its ring stands (about a millisecond) or could not be made.
 * With SEA_DRIVER_INLINE makes the ring, which belongs to the calling thread from then on. */
int sea_server_start(sea_server_t *server);

/* The bound address, also after the listener has closed. */
int sea_server_address(const sea_server_t *server, struct sockaddr_storage *address);

void sea_server_info(const sea_server_t *server, sea_info_t *info);

/* Cuts what is still there, joins the worker and frees the server. Events that were not consumed
 * are gone. Any time after create; NULL does nothing. */
void sea_server_destroy(sea_server_t *server);

/* -- host: running the loop of a server with SEA_DRIVER_INLINE --------------------------------- */

/* Takes the commands, submits, reaps and shows the events: at most one io_uring_enter, which does
 * not wait. on_events() is called from here. Not from within it. */
void sea_inline_pass(sea_server_t *server);
/* Before a sleep. True: there is nothing to do, and when the kernel has something, sea_inline_fd()
 * becomes readable; whoever gives commands or takes events after that asks again. False: there is
 * something to do, or on_events() was called: do not sleep. */
bool sea_inline_sleep(sea_server_t *server);
/* After a sleep, whatever ended it: the descriptor is left alone until the next. */
void sea_inline_wake(sea_server_t *server);
/* An eventfd. Nobody has to read it who waits for edges. */
int sea_inline_fd(const sea_server_t *server);
/* How long to sleep at most before another pass: ms, -1 = no limit. */
int64_t sea_inline_wait_ms(sea_server_t *server);

/* -- host: commands. 0, or -EAGAIN when the command ring is full: nothing was taken, and a
 *    COMMAND_SPACE event follows. A command for a connection that is gone is ignored. ------------
 */

/* `last` asks for a SENT event once this and everything before it on the connection has left. */
int sea_send(sea_server_t *server, sea_conn_id_t id, const void *data, size_t len, bool last);
/* Sends at once, from the host's thread, what the socket takes without waiting, provided that
 * everything given before has left. How many bytes have: the rest, all of it if need be, is for
 * sea_send(). Or the -errno with which the socket failed. Not after sea_shutdown() or sea_close().
 */
ssize_t sea_send_now(sea_server_t *server, sea_conn_id_t id, const void *data, size_t len);
/* Whether a command would have to wake the worker, which costs as much as sending at once. */
bool sea_worker_sleeps(const sea_server_t *server);
/* One send of sea_post(). */
typedef struct sea_outgoing {
  sea_conn_id_t id;
  const void *data;
  size_t len;
  void *holder; /* NULL: the bytes are copied. Otherwise they stay where they are, and
                   on_release() gets the holder once, also when they are refused */
  struct sea_payload *payload; /* the core's, as is conn */
  struct sea_conn *conn;
} sea_outgoing_t;

/* Sends that need no SENT event: the core keeps the bytes. All entries whose connections are there
 * are taken, or none is:
 *   -EAGAIN    a connection has send_queue_max sends queued; a DRAIN event follows for each such
 *   -ENOBUFS   the command ring has no room; a COMMAND_SPACE event follows
 *   -ENOTCONN  none of the connections is there any more
 *   -ENOMEM
 * `finish` closes each connection when its bytes have left and the peer's FIN has come; meanwhile
 * what still arrives is thrown away. Takes up to twice as many commands as entries. */
int sea_post(sea_server_t *server, sea_outgoing_t *entries, uint32_t n, bool finish);
/* The same bytes to many: referenced, not copied, by each. `what` has no id. Returns how many took
 * them. *stopped is n, or the index at which the command ring was full: from there on nobody did,
 * and a COMMAND_SPACE event follows. A DRAIN event follows for those before whose queue was full.
 */
uint32_t sea_broadcast(sea_server_t *server, const sea_conn_id_t *ids, uint32_t n,
                       sea_outgoing_t *what, uint32_t *stopped);
/* Room for n commands at once, so that a gathered send is taken whole or not at all. */
bool sea_command_room(sea_server_t *server, uint32_t n);
int sea_pause(sea_server_t *server, sea_conn_id_t id);
int sea_resume(sea_server_t *server, sea_conn_id_t id);
/* FIN after everything that was queued before. */
int sea_shutdown(sea_server_t *server, sea_conn_id_t id);
/* Queued bytes get one more attempt to leave without waiting; `reset` sends RST instead of FIN. */
int sea_close(sea_server_t *server, sea_conn_id_t id, bool reset);
int sea_stop_accepting(sea_server_t *server);
/* Cuts every connection; STOPPED follows when the worker has released everything. Never refused. */
void sea_stop(sea_server_t *server);

/* The host will take no more events: the worker goes on without it, and lets them fall. For the end
 * of the process only. */
void sea_discard(sea_server_t *server);

/* Wakes the worker if it sleeps and there is something for it: commands, or buffers and slots that
 * consumed events gave back. Call once after a group of commands, refused ones included,
 * and after consuming events. Nothing with SEA_DRIVER_INLINE, where the next pass finds them; but
 * after sea_discard(), it runs that pass. */
void sea_flush(sea_server_t *server);

/* Answers the request: the given head lines, completed as `flags` say, then the body. 0, or
 *   -ENOTCONN  the connection is gone
 *   -ENOBUFS   the command ring has no room; a COMMAND_SPACE event follows
 *   -ENOMEM
 * `holder` as in sea_outgoing_t: of the body, and given back in any case. */
typedef struct sea_http_response {
  sea_conn_id_t id;
  uint32_t seq;
  uint32_t flags;
  const char *head;
  size_t head_len;
  const void *body;
  size_t body_len;
  void *holder;
} sea_http_response_t;

int sea_http_respond(sea_server_t *server, sea_http_response_t *response);
/* Other time limits than those of the options; heeded within some seconds. */
void sea_http_limit_times(sea_server_t *server, uint32_t headers_ms, uint32_t request_ms);
/* The name of a record's method; NULL for numbers that are none. */
const char *sea_http_method(uint32_t method);

/* -- host: events ---------------------------------------------------------------------------- */

/* How many events can be looked at now. The doorbell stays silent from its call until
 * sea_events_again() has answered false. */
uint32_t sea_events_poll(sea_server_t *server);
/* After taking events: true when there are more, and the host is to come again by itself; false
 * when there are none, and the worker will ring. So at most one call is pending at any time. */
bool sea_events_again(sea_server_t *server);
/* The i-th pending event, 0 = oldest. */
const sea_event_t *sea_event_at(const sea_server_t *server, uint32_t i);
const void *sea_event_data(const sea_server_t *server, const sea_event_t *event);
/* Gives the n oldest events, their buffers and (for CLOSED) their slots back to the worker. */
void sea_events_consume(sea_server_t *server, uint32_t n);

/* -- host: one connection's socket, -ENOTCONN when it is gone ------------------------------------
 */

int sea_conn_peer(sea_server_t *server, sea_conn_id_t id, struct sockaddr_storage *address);
int sea_conn_local(sea_server_t *server, sea_conn_id_t id, struct sockaddr_storage *address);
int sea_conn_no_delay(sea_server_t *server, sea_conn_id_t id, bool on);
int sea_conn_keep_alive(sea_server_t *server, sea_conn_id_t id, bool on, uint32_t idle_s);
/* Bytes taken by sea_send() that the kernel has not taken yet. 0 when the connection is gone. */
uint64_t sea_conn_queued(sea_server_t *server, sea_conn_id_t id);
/* How many HTTP requests have begun to come, perhaps in part: more than the host has been told of,
 * when some are still under way. Modulo 2^32. */
uint32_t sea_conn_heads(sea_server_t *server, sea_conn_id_t id);

#endif
