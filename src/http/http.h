/* HTTP on the worker: what a server has of it, and what each of its connections has. */
#ifndef SEA_HTTP_H
#define SEA_HTTP_H

#include "../loop.h"
#include "blocks.h"
#include "parser.h"
#include "reply.h"

/* The command's len: the request, and these. */
#define SEA_HTTP_LAST (1ULL << 32)  /* the response is complete with it */
#define SEA_HTTP_CLOSE (1ULL << 33) /* and the connection closes */

/* One request that has not been answered in full. */
typedef struct sea_http_exchange {
  struct sea_http_exchange *next;
  uint32_t seq;
  uint32_t flags;           /* sea_http_flag_t */
  bool begun;               /* the host has given a part of the response */
  bool done;                /* `chunks` has the rest of it */
  bool close;               /* the connection's last */
  sea_http_fixed_t *fixed;  /* the worker's answer; NULL = the host answers */
  sea_chunk_queue_t chunks; /* of a response whose turn has not come */
} sea_http_exchange_t;

typedef enum sea_http_phase {
  SEA_HTTP_PHASE_FRESH = 0, /* nothing has come */
  SEA_HTTP_PHASE_HEAD,
  SEA_HTTP_PHASE_BODY,
  SEA_HTTP_PHASE_BUSY, /* an answer is due */
  SEA_HTTP_PHASE_IDLE, /* between two requests */
  SEA_HTTP_PHASE_FINISHING,
} sea_http_phase_t;

typedef struct sea_http_conn {
  struct sea_http_conn *next; /* in the pool */
  struct sea_http_conn *all;
  sea_conn_t *conn;
  sea_http_parser_t parser;
  sea_list_t timer;
  uint64_t due_ms;   /* when the wheel looks at it */
  uint64_t since_ms; /* the begin of the phase, or of the request */
  uint8_t phase;     /* sea_http_phase_t */
  bool served;       /* has had a request */
  bool last_request; /* the current one */
  bool over;         /* no more is parsed */
  bool peer_ended;
  bool raw;      /* facade: bytes are no more parsed */
  bool counted;  /* of the request whose begin is held, that it has begun */
  uint32_t told; /* facade: requests in this step */
  uint32_t seq;  /* of the last request */
  uint32_t count;
  sea_http_exchange_t *first;
  sea_http_exchange_t *last;
  sea_http_exchange_t *current; /* whose body is arriving; NULL = nobody wants it */
  char *held;                   /* came when too much was unanswered already */
  size_t held_at;
  size_t held_len;
  size_t held_room;
} sea_http_conn_t;

/* Bytes that are being parsed, and what was told of them to the host. */
typedef struct sea_http_input {
  const sea_event_t *event; /* whose buffer they are in; NULL: they are held ones */
  sea_event_t *last;        /* the last DATA event that refers to the buffer */
  bool in_head;             /* of the step under way: it began in a head, */
  uint32_t kept;            /* of which so many bytes had come before */
} sea_http_input_t;

typedef struct sea_http {
  sea_http_shared_t shared;
  sea_http_blocks_t blocks;
  sea_timer_t timer;
  sea_http_conn_t *free;
  sea_http_conn_t *all;
  sea_http_exchange_t *exchanges; /* free ones */
  void *exchange_blocks;
  sea_http_fixed_t *routes;
  uint32_t *by_path; /* hash table of index + 1 into routes */
  uint32_t by_path_mask;
  uint32_t route_count;
  sea_http_fixed_t *any; /* the route of everything without one */
  sea_http_fixed_t not_found;
  sea_http_fixed_t not_allowed;
  uint32_t pipeline_max;
  _Atomic uint32_t headers_ms; /* the host may change it, as the next */
  _Atomic uint32_t request_ms;
  uint32_t keep_alive_ms;
  bool handler;
  bool facade;
} sea_http_t;

/* http.c; loop->http */
int sea__http_create(sea_loop_t *loop, const sea_http_options_t *options);
void sea__http_destroy(sea_loop_t *loop);
/* The loop begins to run. */
void sea__http_start(sea_loop_t *loop);
sea_http_conn_t *sea__http_conn_acquire(sea_http_t *http);
void sea__http_conn_release(sea_http_t *http, sea_http_conn_t *conn);
sea_http_exchange_t *sea__http_exchange_acquire(sea_http_t *http);
void sea__http_exchange_release(sea_http_t *http, sea_http_exchange_t *exchange);
/* Who answers without the host, or NULL. */
sea_http_fixed_t *sea__http_route(sea_http_t *http, const sea_http_message_t *message);

static inline bool
sea__http_is_open(const sea_http_conn_t *h)
{
  return h->conn->state == SEA_CONN_OPEN;
}

/* exchange.c */
void sea__http_drop_exchanges(sea_loop_t *loop, sea_http_conn_t *h);
void sea__http_drop_held(sea_http_conn_t *h);
/* FIN after what is queued, and the peer's FIN for a while. */
void sea__http_finish(sea_loop_t *loop, sea_http_conn_t *h);
/* NULL, and the connection closing, when memory is out; likewise the next. */
sea_chunk_t *sea__http_append(sea_loop_t *loop, sea_http_conn_t *h, sea_http_exchange_t *exchange,
                              const char *data, size_t len, sea_memory_t memory);
sea_http_exchange_t *sea__http_add_exchange(sea_loop_t *loop, sea_http_conn_t *h);
/* Sends what is ready, in turn. */
void sea__http_flush(sea_loop_t *loop, sea_http_conn_t *h);
void sea__http_answer_fixed(sea_loop_t *loop, sea_http_conn_t *h, sea_http_exchange_t *exchange);
/* Answers the request that is being received, or what would have been one, and ends. A response
 * that the host has begun to give is cut off instead, and one that is complete stays the only one.
 */
void sea__http_refuse(sea_loop_t *loop, sea_http_conn_t *h, int status);

/* session.c */
/* There may be room for what is held. */
void sea__http_go_on(sea_loop_t *loop, sea_http_conn_t *h);

/* These two do nothing when the connection closes, and close it when there is no memory.
 *
 * Bytes of a body. Those in a receive buffer stay there; held ones go to a block. */
void sea__http_tell_data(sea_loop_t *loop, sea_http_conn_t *h, sea_http_input_t *input,
                         const char *data, size_t len);
/* The message that was parsed last, as a REQUEST or TRAILERS. */
void sea__http_tell_record(sea_loop_t *loop, sea_http_conn_t *h, sea_event_kind_t kind,
                           uint32_t seq, bool complete);

/* facade.c */
/* What a step brought; `rest` bytes from its begin on are there. Returns how many were used. */
size_t sea__http_facade_step(sea_loop_t *loop, sea_http_conn_t *h, sea_http_input_t *input,
                             const char *data, size_t rest, const sea_http_step_t *step);
void sea__http_facade_fail(sea_loop_t *loop, sea_http_conn_t *h, int status);
/* The peer's FIN. */
void sea__http_facade_end(sea_loop_t *loop, sea_http_conn_t *h);

/* timeout.c */
#define SEA_HTTP_NEVER UINT64_MAX
/* Sees to it that the connection's time limit is looked at. */
void sea__http_watch(sea_http_t *http, sea_http_conn_t *h);
/* What the connection is doing may have changed. */
void sea__http_update_phase(sea_loop_t *loop, sea_http_conn_t *h);

/* host.c, on the host */
int sea__http_respond(sea_loop_t *loop, sea_http_response_t *response);
void sea__http_limit_times(sea_http_t *http, uint32_t headers_ms, uint32_t request_ms);

#endif
