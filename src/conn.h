/* A connection: one slot of the table. Owned by the worker; the host may only use what is marked.
 */
#ifndef SEA_CONN_H
#define SEA_CONN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "chunk.h"
#include "list.h"
#include "sea.h"

/* In this order; a slot goes from FREE to CLOSED and then back to FREE. */
typedef enum sea_conn_state {
  SEA_CONN_FREE = 0, /* in the table's free list */
  SEA_CONN_OPEN,
  SEA_CONN_CLOSING, /* no more I/O is started; waiting for what is in flight */
  SEA_CONN_CLOSED,  /* the fd is closed, CLOSED was sent; free once the host has consumed that event
                     */
} sea_conn_state_t;

typedef enum sea_recv_state {
  SEA_RECV_IDLE = 0,
  SEA_RECV_ARMED,      /* a multishot is in flight */
  SEA_RECV_CANCELLING, /* it is in flight, and so is its cancellation */
  SEA_RECV_STARVED,    /* no receive buffer was left; waits in the loop's list */
  SEA_RECV_ENDED,      /* FIN or an error: never armed again */
} sea_recv_state_t;

/* The poll that sees the end of a connection where its receive may not. */
typedef enum sea_watch {
  SEA_WATCH_NONE = 0,
  SEA_WATCH_ARMED,
  SEA_WATCH_OVER, /* what it has seen stays: once is enough */
} sea_watch_t;

typedef enum sea_write_end {
  SEA_WRITE_OPEN = 0,
  SEA_WRITE_SHUTTING, /* FIN once the queue is empty */
  SEA_WRITE_SHUT,
} sea_write_end_t;

/* Who answers what happens to a connection. */
typedef enum sea_answers {
  SEA_ANSWERS_HOST = 0,
  SEA_ANSWERS_FINISH, /* the worker, which closes it at the peer's FIN; answer.c */
  SEA_ANSWERS_ECHO,   /* the worker, which sends everything back; echo.c */
  SEA_ANSWERS_HTTP,   /* the worker, which makes requests of it; http/session.c */
} sea_answers_t;

#define SEA_SEND_BUFFER_NONE UINT16_MAX

/* How long a closing connection waits for the peer to acknowledge a zero-copy send. */
#define SEA_FAREWELL_MS 5000U

typedef struct sea_conn {
  _Atomic int fd;                /* -1 = none. The host reads it, under the table's lock */
  _Atomic uint32_t generation;   /* likewise */
  _Atomic uint64_t queued_bytes; /* the host may read it, at any time */
  _Atomic uint32_t sends_done;   /* likewise: payload sends that are over, counted without end */
  _Atomic uint32_t drains_told;  /* likewise: DRAIN events */
  _Atomic uint32_t host_done;    /* likewise: sends of the host's memory that are over */
  _Atomic bool sealed;           /* likewise: bytes may be missing, so nothing may follow them */
  _Atomic uint32_t heads; /* likewise: HTTP requests that have begun to come, counted without end */
  _Atomic uint64_t direct_ms; /* the host writes it: when it last sent something itself */

  uint32_t slot;
  uint8_t state;     /* sea_conn_state_t */
  uint8_t recv;      /* sea_recv_state_t */
  uint8_t write_end; /* sea_write_end_t */
  uint8_t reason;    /* sea_close_reason_t, once CLOSING */
  uint8_t answers;   /* sea_answers_t */
  uint8_t watch;     /* sea_watch_t */
  bool paused : 1;
  bool sending : 1;    /* a send is in flight */
  bool cancelling : 1; /* a cancellation of everything is in flight */
  bool reset : 1;      /* close with RST */
  bool look_again : 1; /* the receive in flight may have missed the end */
  bool hungry : 1;     /* was starved, and has received nothing since */
  bool drain_wanted : 1;
  bool zero_copy : 1;      /* the send in flight is a zero-copy one */
  bool zero_copy_wait : 1; /* it is done, but for the notification that its bytes are free */
  bool zero_copy_off : 1;  /* not on this connection: the kernel refuses or copies */
  bool last_sent : 1;      /* CLOSING: SENT was said of what had been queued */
  bool detour : 1;         /* zcrx.h: received by copying, until that does not work */
  bool detour_empty : 1;   /* and that has brought nothing yet */
  bool flushed : 1;        /* zcrx.h: buffers were looked for, and nothing has come since */
  bool zcrx_off : 1;       /* received by copying, for good */
  bool farewell : 1;       /* CLOSING: only the notification is waited for, with a limit */
  int32_t send_error;      /* -errno of the send that failed; every later one fails likewise */

  sea_list_t todo;    /* in loop->todo: something has to be started */
  sea_list_t waiting; /* in loop->starved, loop->zcrx.stuck or the table's free list */
  sea_list_t idle;    /* in the idle wheel, or while it closes in that of farewells */
  uint64_t active_ms; /* last traffic */

  sea_chunk_queue_t queue;
  size_t head_sent; /* bytes of the queue's first chunk that have left */
  sea_gather_t *gather;
  int32_t zero_copy_result;   /* of the send that waits for its notification */
  uint16_t send_buffer;       /* the registered buffer it is from; SEA_SEND_BUFFER_NONE */
  uint32_t sends_queued;      /* payload sends in the queue */
  uint32_t drain_needed;      /* drain_wanted: for how many more there is to be room */
  struct sea_http_conn *http; /* SEA_ANSWERS_HTTP */
  uint32_t unacked;           /* bytes the peer had not acknowledged when that was last looked at */

  /* The host's, from OPEN to CLOSED; the worker touches them only while nobody has the slot. */
  uint32_t sends_given;
  uint32_t drains_asked;
  uint32_t host_given; /* sends of its memory */
} sea_conn_t;

static inline bool
sea__conn_receiving(const sea_conn_t *conn)
{
  return conn->recv == SEA_RECV_ARMED || conn->recv == SEA_RECV_CANCELLING;
}

static inline bool
sea__conn_in_flight(const sea_conn_t *conn)
{
  return sea__conn_receiving(conn) || conn->sending || conn->cancelling ||
         conn->watch == SEA_WATCH_ARMED;
}

/* Nothing that a cancellation could end: what is in flight is a notification at most. */
static inline bool
sea__conn_cancelled(const sea_conn_t *conn)
{
  return !sea__conn_receiving(conn) && conn->watch != SEA_WATCH_ARMED &&
         (!conn->sending || conn->zero_copy_wait);
}

#endif
