/* Finds the end of a request's head, or of its trailers, byte by byte, and refuses what has no
 * business there.
 *
 * The parser gets a head only when it is complete and has passed. That makes what it is given
 * independent of how the bytes were split on their way, and leaves no room for two readings: lines
 * end with CRLF and nothing else, no line continues another, no name has a space behind it, no
 * control character is in a value. Pure: no I/O, no allocation. */
#ifndef SEA_HTTP_SCREEN_H
#define SEA_HTTP_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sea_http_limits {
  uint32_t header_bytes; /* of a head, and of the trailers */
  uint32_t headers_max;  /* how many */
  uint32_t url_bytes;
  uint64_t body_bytes; /* 0 = no limit */
} sea_http_limits_t;

typedef struct sea_http_screen {
  uint8_t state;
  uint8_t matched; /* characters of the method, or of the version */
  char major;
  char minor;
  uint32_t bytes;
  uint32_t url_bytes;
  uint32_t headers;
} sea_http_screen_t;

enum {
  SEA_SCREEN_MORE = 0,
  SEA_SCREEN_END = 1, /* everything above is the status to refuse with */
};

void sea__http_screen_head(sea_http_screen_t *screen);
void sea__http_screen_trailers(sea_http_screen_t *screen);

/* Whether nothing of a head has come yet, empty lines before it aside. */
bool sea__http_screen_untouched(const sea_http_screen_t *screen);

/* SEA_SCREEN_MORE, SEA_SCREEN_END or a status. *used is how many bytes belong to it. */
int sea__http_screen_run(sea_http_screen_t *screen, const sea_http_limits_t *limits,
                         const char *data, size_t len, size_t *used);

#endif
