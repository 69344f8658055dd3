/* The loop: everything one server owns, and the steps of one pass over it. It does not know who
 * runs it; a driver (thread.c) calls the steps and decides when to sleep. Private to the core.
 *
 * One thread at a time runs the loop. Only `events`, `commands`, `wake`, `stats`, `orders`, `bell`
 * `payloads`, `direct_*`, the locked part of `slab` and what conn.h marks are shared with the host,
 * each by its own rules. */
#ifndef SEA_LOOP_H
#define SEA_LOOP_H

#include <stdatomic.h>

#include "bufring.h"
#include "chunk.h"
#include "commands.h"
#include "conn.h"
#include "events.h"
#include "payload.h"
#include "ring.h"
#include "slab.h"
#include "stats.h"
#include "timer.h"
#include "wake.h"
#include "zcrx.h"
#include "zerocopy.h"

/* The most events one step (a CQE, a command, a connection's service) can cause, HTTP aside. */
#define SEA_EVENTS_PER_STEP 4

/* sea_event_t.marks */
enum {
  SEA_MARK_KEEP = 1 << 0,  /* a later event gives the buffer back */
  SEA_MARK_BLOCK = 1 << 1, /* the bytes are in a block, not in a receive buffer */
  SEA_MARK_AREA = 1 << 2,  /* the receive buffer is one of zcrx.h, and `offset` says which */
};

/* Whether it is this event that gives a receive buffer back. */
static inline bool
sea__event_has_buffer(const sea_event_t *event)
{
  return event->kind == SEA_EVENT_DATA && (event->marks & ~SEA_MARK_AREA) == 0;
}

enum {
  SEA_ORDER_STOP = 1 << 0,    /* cut every connection, then end */
  SEA_ORDER_DISCARD = 1 << 1, /* the host will take no more events */
};

typedef enum sea_bell {
  SEA_BELL_SILENT = 0,
  SEA_BELL_LAZY, /* ring before going to sleep: nobody but a write callback waits for it */
  SEA_BELL_NOW,
} sea_bell_t;

typedef struct sea_listener {
  int fd;           /* -1 = closed */
  const char *path; /* of a Unix socket: unlinked at the end; NULL = none */
  bool is_local;    /* a Unix socket, with a name in the file system or without */
  bool wanted;
  bool armed;
  bool cancelling;
  bool waiting;   /* a one-shot poll is in flight in the place of an accept */
  bool blocked;   /* O_NONBLOCK is set on it, and nobody was there to accept */
  bool announced; /* LISTENER_CLOSED was sent */
  int32_t error;
  uint64_t retry_ms; /* not before; 0 = at once */
} sea_listener_t;

/* A receive into several buffers, whose events did not all fit into the event ring. */
typedef struct sea_bundle {
  sea_conn_t *conn;  /* NULL = none; it cannot go away, as its receive has not been seen to end */
  int32_t remaining; /* bytes without an event so far */
  int32_t result;    /* as in the CQE */
  uint32_t flags;
  uint16_t buffer_id; /* where they begin */
} sea_bundle_t;

typedef struct sea_loop {
  sea_ring_t ring;
  sea_bufring_t buffers;
  sea_slab_t slab;
  sea_chunk_pool_t chunks;
  sea_timer_t timer;     /* idle connections */
  sea_timer_t farewells; /* closing ones, see conn.c */
  sea_listener_t listener;
  sea_zero_copy_t zero_copy;
  sea_zcrx_t zcrx;
  struct sea_http *http; /* NULL = does not speak HTTP */
  uint32_t step_events;  /* the most events one step (a CQE, a command, ...) can cause */
  sea_options_t options;
  int32_t recv_bundles; /* SEA_PATH_*, or the -errno for which it is off */
  int32_t incremental_buffers;
  int32_t restricted;
  sea_bundle_t bundle;

  sea_list_t todo;          /* connections that have something to start */
  sea_list_t starved;       /* connections whose receive found no buffer, oldest first */
  sea_list_t starved_first; /* those of them that found none when it was their turn: served first */
  uint64_t now_ms;
  uint64_t wake_count; /* the ring reads the eventfd into this */
  bool wake_armed;
  bool cancelling; /* a cancellation of everything is in flight */
  bool stopping;
  bool discarding;
  bool ended; /* inline: STOPPED was said, and the ring is no more */
  sea_bell_t bell_due;

  sea_events_t events;
  sea_commands_t commands;
  sea_payloads_t payloads;
  sea_wake_t wake;
  sea_stats_t stats;
  _Alignas(SEA_CACHE_LINE) _Atomic uint64_t direct_sends; /* the host's own, see direct.h */
  _Atomic uint64_t direct_bytes;
  _Alignas(SEA_CACHE_LINE) _Atomic uint32_t orders; /* SEA_ORDER_* from the host */
  _Atomic bool bell;                                /* the doorbell rang and was not answered yet */
} sea_loop_t;

/* -- life: init on any thread; ring_* on the thread that runs the loop -- */

int sea__loop_init(sea_loop_t *loop, const sea_options_t *options);
void sea__loop_deinit(sea_loop_t *loop);
int sea__loop_ring_init(sea_loop_t *loop);
/* Only when sea__loop_finished(). Buffers that unconsumed events name stay readable until deinit.
 */
void sea__loop_ring_deinit(sea_loop_t *loop);

/* -- the steps of a pass, in this order -- */

/* Takes back what the host has consumed, obeys orders and commands, and prepares submissions. True
 * when there were commands: their completions are best looked for before sleeping. */
bool sea__loop_prepare(sea_loop_t *loop);
/* Only the host can help: there is no room for the events of another step, or everything has ended
 * and it still has buffers and slots to give back. */
bool sea__loop_stalled(const sea_loop_t *loop);
/* Stalled, but the host has helped: another pass will tell how far. */
bool sea__loop_relieved(const sea_loop_t *loop);
/* A stop was ordered; nothing is open, nothing is in flight, and the host has given all back. */
bool sea__loop_finished(const sea_loop_t *loop);
/* Whether prepare or reap would find something to do now. The driver asks after announcing sleep.
 */
bool sea__loop_has_work(const sea_loop_t *loop);
/* What should end the driver's sleep, SEA_SLEEP_*. */
uint32_t sea__loop_sleep_reasons(const sea_loop_t *loop);
/* How long it may sleep: ms, -1 = no limit. */
int64_t sea__loop_wait_ms(const sea_loop_t *loop);
/* Handles completions while there is room for their events, then shows the events to the host. */
void sea__loop_reap(sea_loop_t *loop);
/* Rings for what nobody was in a hurry for. */
void sea__loop_ring_lazy(sea_loop_t *loop);
/* The last event, when everything else is released. */
void sea__loop_say_stopped(sea_loop_t *loop);

/* -- for the files of the loop -- */

/* emit.c */
/* Adds an event; conn may be NULL for events of the server. */
void sea__loop_emit(sea_loop_t *loop, sea_event_kind_t kind, sea_conn_t *conn, int32_t result);
void sea__loop_emit_data(sea_loop_t *loop, sea_conn_t *conn, int32_t len, uint16_t buffer_id,
                         uint32_t offset);
/* The bytes are in the area of zcrx.h. */
void sea__loop_emit_area(sea_loop_t *loop, sea_conn_t *conn, int32_t len, uint32_t offset);
/* The bytes of a DATA event that has a receive buffer. */
char *sea__loop_data(const sea_loop_t *loop, const sea_event_t *event);
/* A receive buffer, which `area` says the kind of, goes back. */
void sea__loop_give_buffer(sea_loop_t *loop, bool area, uint16_t buffer_id, uint32_t offset);
/* The same, past who may answer it. */
void sea__loop_tell(sea_loop_t *loop, const sea_conn_t *conn, sea_event_t *event);
/* What an event referred to comes back: its buffer to the kernel, its slot to the table. */
void sea__loop_release(sea_loop_t *loop, const sea_event_t *event);
/* The connection has something to start: it is looked at in the next prepare. */
static inline void
sea__loop_todo(sea_loop_t *loop, sea_conn_t *conn)
{
  if (sea__list_empty(&conn->todo)) {
    sea__list_append(&loop->todo, &conn->todo);
  }
}

/* http/http.c */
bool sea__http_has_room(const sea_loop_t *loop);
void sea__http_release_block(sea_loop_t *loop, uint16_t index);

static inline bool
sea__loop_starved(const sea_loop_t *loop)
{
  return !sea__list_empty(&loop->starved) || !sea__list_empty(&loop->starved_first);
}

static inline bool
sea__loop_has_room(const sea_loop_t *loop)
{
  return loop->discarding || (sea__events_room(&loop->events) >= loop->step_events &&
                              (loop->http == NULL || sea__http_has_room(loop)));
}

static inline sea_conn_id_t
sea__conn_id(const sea_conn_t *conn)
{
  return (uint64_t)atomic_load_explicit(&conn->generation, memory_order_relaxed) << SEA_SLOT_BITS |
         conn->slot;
}

/* accept.c */
void sea__accept_service(sea_loop_t *loop);
void sea__accept_stop(sea_loop_t *loop);
/* Gives the socket, and the name of a Unix socket, back to the system. */
void sea__accept_close(sea_listener_t *listener);
void sea__on_accept(sea_loop_t *loop, int32_t result, uint32_t flags);

/* recv.c */
bool sea__recv_service(sea_loop_t *loop, sea_conn_t *conn);
/* Where a receive may miss the end of a connection: has it watched. False without a free entry. */
bool sea__recv_watch(sea_loop_t *loop, sea_conn_t *conn);
void sea__on_watch(sea_loop_t *loop, sea_conn_t *conn, int32_t result);
void sea__recv_pause(sea_loop_t *loop, sea_conn_t *conn);
void sea__recv_resume(sea_loop_t *loop, sea_conn_t *conn);
/* Goes on with loop->bundle. */
void sea__recv_unbundle(sea_loop_t *loop);
void sea__on_recv(sea_loop_t *loop, sea_conn_t *conn, int32_t result, uint32_t flags);
void sea__on_cancel_recv(sea_loop_t *loop, sea_conn_t *conn);
/* Arms starved connections again, as many as there are buffers. */
void sea__recv_feed_starved(sea_loop_t *loop);

/* zcrx.c */
static inline bool
sea__zcrx_serves(const sea_loop_t *loop, const sea_conn_t *conn)
{
  return loop->zcrx.state == SEA_PATH_ON && !conn->detour && !conn->zcrx_off;
}
/* False when the ring has no entry free. */
bool sea__zcrx_arm(sea_loop_t *loop, sea_conn_t *conn);
void sea__on_recv_zc(sea_loop_t *loop, sea_conn_t *conn, int32_t result, uint32_t flags);
/* Shows the kernel which buffers it may fill again. */
void sea__zcrx_give_back(sea_loop_t *loop);
/* An ordinary receive has met bytes that it cannot read. */
void sea__zcrx_end_detour(sea_loop_t *loop, sea_conn_t *conn);
/* Before an ordinary receive is armed anew: whether the detour need not go on. */
void sea__zcrx_reconsider(sea_loop_t *loop, sea_conn_t *conn);
/* Tries connections again for which neither way worked. */
void sea__zcrx_feed_stuck(sea_loop_t *loop);
int64_t sea__zcrx_wait_ms(const sea_loop_t *loop);

/* send.c */
void sea__send_queue(sea_loop_t *loop, sea_conn_t *conn, const sea_command_t *command);
void sea__send_append(sea_loop_t *loop, sea_conn_t *conn, sea_chunk_t *chunk);
/* The chunk is off the queue and its bytes were sent or are given up: it goes, and so do they. */
void sea__send_chunk_done(sea_loop_t *loop, sea_conn_t *conn, sea_chunk_t *chunk);
bool sea__send_service(sea_loop_t *loop, sea_conn_t *conn);
/* One attempt to send what is queued, without waiting; then forgets the rest. */
void sea__send_last_attempt(sea_loop_t *loop, sea_conn_t *conn);
void sea__send_drop_queue(sea_loop_t *loop, sea_conn_t *conn);
void sea__on_send(sea_loop_t *loop, sea_conn_t *conn, int32_t result, uint32_t flags);

/* zerocopy.c */
/* Turns a prepared send or sendmsg of so many bytes into a zero-copy one, if that is to be. */
void sea__zero_copy_prepare(sea_loop_t *loop, sea_conn_t *conn, struct io_uring_sqe *sqe,
                            size_t bytes);
/* A zero-copy send has completed or its notification has come. True when it is over with *result.
 */
bool sea__zero_copy_over(sea_loop_t *loop, sea_conn_t *conn, int32_t *result, uint32_t flags);

/* outbox.c */
/* conn is NULL when it is gone: the payload goes home in any case. */
void sea__outbox_queue(sea_loop_t *loop, sea_conn_t *conn, const sea_command_t *command);
void sea__outbox_ask_drain(sea_loop_t *loop, sea_conn_t *conn, uint32_t needed);
/* Says DRAIN if the host waits for it and there is room. */
void sea__outbox_relieve(sea_loop_t *loop, sea_conn_t *conn);
/* The same for one that was given up before it got there; conn may be NULL. */
void sea__outbox_discard(sea_loop_t *loop, sea_conn_t *conn, sea_payload_t *payload);
/* A send of a payload is over. */
void sea__outbox_done(sea_loop_t *loop, sea_conn_t *conn, sea_payload_t *payload);

/* answer.c */
/* FIN after what is queued; the connection closes itself when the peer's FIN has come. */
void sea__answer_finish(sea_loop_t *loop, sea_conn_t *conn);
/* An event that the worker may answer itself; false when it is the host's. */
bool sea__answer(sea_loop_t *loop, sea_conn_t *conn, const sea_event_t *event);

/* What is left to answer after sea__answer_finish(); false when it is the host's. */
bool sea__answer_finish_event(sea_loop_t *loop, sea_conn_t *conn, const sea_event_t *event);

/* http/session.c */
bool sea__http_open(sea_loop_t *loop, sea_conn_t *conn);
void sea__http_event(sea_loop_t *loop, sea_conn_t *conn, const sea_event_t *event);
/* A send has completed. */
void sea__http_sent(sea_loop_t *loop, sea_conn_t *conn);
/* Goes on with what was left for a step of its own. */
void sea__http_service(sea_loop_t *loop, sea_conn_t *conn);
/* http/exchange.c */
/* conn is NULL when it is gone: the payload goes home in any case. */
void sea__http_response(sea_loop_t *loop, sea_conn_t *conn, const sea_command_t *command);
/* http/timeout.c */
void sea__http_expire(sea_loop_t *loop);
int64_t sea__http_wait_ms(const sea_loop_t *loop);
/* echo.c */
void sea__echo_event(sea_loop_t *loop, sea_conn_t *conn, const sea_event_t *event);
/* A send has completed with this result. */
void sea__echo_sent(sea_loop_t *loop, sea_conn_t *conn, int32_t result);

/* conn.c */
void sea__conn_open(sea_loop_t *loop, int fd);
/* The one way down: stop I/O, cancel what is in flight, close the socket, say CLOSED. */
void sea__conn_close(sea_loop_t *loop, sea_conn_t *conn, sea_close_reason_t reason, bool reset);
/* Starts what the connection's state asks for. False when the ring has no entry free for it. */
bool sea__conn_service(sea_loop_t *loop, sea_conn_t *conn);
void sea__on_cancel_conn(sea_loop_t *loop, sea_conn_t *conn);
/* Closes connections whose idle time is over. */
void sea__conn_expire(sea_loop_t *loop);

#endif
