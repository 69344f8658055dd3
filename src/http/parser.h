/* One connection's requests, from bytes. llhttp decides what they mean; the screen before it (see
 * screen.h) lets only whole and unambiguous heads through, and trailers likewise.
 *
 * The caller gives bytes and is told, step by step, what they were. Pure but for the memory of a
 * head that comes in pieces. */
#ifndef SEA_HTTP_PARSER_H
#define SEA_HTTP_PARSER_H

#include <llhttp.h>

#include "screen.h"

/* Bytes of chunk extensions that one chunk may have. */
#define SEA_HTTP_EXTENSION_MAX 16384U

typedef enum sea_http_flag {
  SEA_HTTP_KEEP_ALIVE = 1 << 0,
  SEA_HTTP_HEAD = 1 << 1,
  SEA_HTTP_1_0 = 1 << 2,
  SEA_HTTP_BODY = 1 << 3, /* there is one, or may be one */
  SEA_HTTP_CHUNKED = 1 << 4,
  SEA_HTTP_CONTINUE = 1 << 5, /* Expect: 100-continue */
  SEA_HTTP_UPGRADE = 1 << 6,  /* asked for, and passed over */
} sea_http_flag_t;

typedef struct sea_http_text {
  const char *at;
  uint32_t len;
} sea_http_text_t;

typedef struct sea_http_field {
  sea_http_text_t name;
  sea_http_text_t value;
} sea_http_field_t;

/* The request that was parsed last. Its texts lie where the head lay. */
typedef struct sea_http_message {
  uint32_t method; /* llhttp_method_t */
  uint32_t flags;  /* sea_http_flag_t */
  uint32_t head_bytes;
  sea_http_text_t url;
  sea_http_field_t *fields;
  uint32_t count;
  uint32_t hosts;
  uint32_t codings; /* Transfer-Encoding headers */
  uint32_t lengths; /* Content-Length headers */
  int expectation;  /* 0 = none, 1 = 100-continue, -1 = any other */
  bool plain_chunked;
} sea_http_message_t;

/* What the parsers of one thread share. */
typedef struct sea_http_shared {
  sea_http_limits_t limits;
  llhttp_settings_t settings;
  sea_http_message_t message;
} sea_http_shared_t;

typedef enum sea_http_part {
  SEA_HTTP_IN_HEAD = 0,
  SEA_HTTP_IN_BODY,
  SEA_HTTP_IN_TRAILERS,
} sea_http_part_t;

typedef struct sea_http_parser {
  llhttp_t machine;
  sea_http_shared_t *shared;
  sea_http_screen_t screen;
  uint8_t part; /* sea_http_part_t */
  bool complete;
  int status; /* to refuse with, found in a callback */
  char *kept; /* of a head or trailers that came in pieces */
  uint32_t kept_len;
  uint32_t kept_room;
  char *out; /* where the next bytes of the body go */
  uint32_t extension_bytes;
  uint64_t body_bytes;
} sea_http_parser_t;

typedef enum sea_http_step_kind {
  SEA_HTTP_MORE = 0, /* everything was used, and nothing is to be told */
  SEA_HTTP_REQUEST,  /* shared->message */
  SEA_HTTP_DATA,     /* body_len bytes of the body, moved together at the front of the data */
  SEA_HTTP_REFUSED,  /* with `status`; the parser is not to be used any more */
} sea_http_step_kind_t;

typedef struct sea_http_step {
  sea_http_step_kind_t kind;
  size_t used;
  size_t body_len; /* REFUSED: what came before that */
  bool complete;   /* and with that the message is over */
  bool trailers;   /* DATA: shared->message has those */
  int status;
} sea_http_step_t;

int sea__http_shared_init(sea_http_shared_t *shared, const sea_http_limits_t *limits);
void sea__http_shared_deinit(sea_http_shared_t *shared);

void sea__http_parser_init(sea_http_parser_t *parser, sea_http_shared_t *shared);
void sea__http_parser_deinit(sea_http_parser_t *parser);

/* No request is under way. */
static inline bool
sea__http_parser_between(const sea_http_parser_t *parser)
{
  return parser->part == SEA_HTTP_IN_HEAD && sea__http_screen_untouched(&parser->screen);
}

/* Takes the next step with len > 0 bytes; what lies in them may be changed. */
void sea__http_parse(sea_http_parser_t *parser, char *data, size_t len, sea_http_step_t *step);

#endif
