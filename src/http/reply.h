/* Answers that are known beforehand: fixed responses, and refusals. */
#ifndef SEA_HTTP_REPLY_H
#define SEA_HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "sea.h"

#define SEA_HTTP_DATE_LEN 29 /* Sun, 06 Nov 1994 08:49:37 GMT */

/* What a head says of the connection. */
typedef enum sea_http_manner {
  SEA_HTTP_STAYS = 0, /* nothing: it stays */
  SEA_HTTP_STAYS_1_0, /* Connection: keep-alive, which HTTP/1.0 wants to hear */
  SEA_HTTP_CLOSES,    /* Connection: close */
  SEA_HTTP_MANNERS,
} sea_http_manner_t;

/* A response as it is sent, with the date of its second. */
typedef struct sea_http_render {
  uint32_t uses; /* sends that have not left; no change meanwhile */
  bool retired;  /* freed after its last use */
  time_t second;
  size_t date_at; /* 0 = has none */
  size_t head_len;
  size_t len;
  char bytes[];
} sea_http_render_t;

typedef struct sea_http_fixed {
  char *path; /* NULL = any */
  size_t path_len;
  uint32_t flags; /* sea_http_reply_flag_t */
  char *head;
  size_t head_len;
  char *body;
  size_t body_len;
  sea_http_render_t *renders[SEA_HTTP_MANNERS];
} sea_http_fixed_t;

void sea__http_date(char *out, time_t second);

/* Puts together a response's head: the given lines, then those that are ours. Returns its length,
 * which is at most head_len + SEA_HTTP_OWN_LINES; *date_at is where the date begins, or 0. */
#define SEA_HTTP_OWN_LINES 128
size_t sea__http_head(char *out, const char *head, size_t head_len, size_t body_len, uint32_t flags,
                      sea_http_manner_t manner, time_t second, size_t *date_at);

int sea__http_fixed_init(sea_http_fixed_t *fixed, const sea_http_route_t *route);
void sea__http_fixed_deinit(sea_http_fixed_t *fixed);

/* The response for now, used once more; NULL when memory is out. */
sea_http_render_t *sea__http_fixed_render(sea_http_fixed_t *fixed, sea_http_manner_t manner);
void sea__http_render_done(sea_http_render_t *render);

/* The whole answer of a refusal, after which the connection closes. */
const char *sea__http_refusal(int status);

#define SEA_HTTP_100_CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

#endif
