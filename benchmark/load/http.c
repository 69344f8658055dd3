/* HTTP/1.1: the same GET again and again. A response has to have status 200 and a Content-Length,
 * which with --size has to be that, and otherwise that of the first response; its body has to
 * be there, and nothing else. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "exchange.h"
#include "modes.h"

#define HEAD_MAX 2048u
#define REQUEST_MAX 512u
#define REPLY_BYTES 256u /* about: receive buffers are made for it */

typedef struct {
  uint32_t head_bytes; /* of a head that is not complete */
  uint64_t body_left;
  char head[HEAD_MAX];
} reader_t;

typedef struct {
  char *requests;
  uint32_t request_bytes;
  int64_t body_bytes; /* -1: not known yet */
  /* The last head that was found good: most are like the one before. */
  char known_head[HEAD_MAX];
  uint32_t known_bytes;
  reader_t *readers;
} http_t;

static const uint8_t *
request_at(const void *context, uint32_t conn, uint64_t position)
{
  const http_t *http = context;
  (void)conn;
  return (const uint8_t *)http->requests + position % http->request_bytes;
}

/* The value of Content-Length in a head that ends with an empty line, or -1. */
static int64_t
content_length(const char *head, uint32_t length)
{
  static const char name[] = "\r\ncontent-length:";
  const uint32_t name_length = sizeof(name) - 1;
  for (uint32_t i = 0; i + name_length < length; i++) {
    if (head[i] != '\r' || strncasecmp(head + i, name, name_length) != 0) continue;
    char *end = NULL;
    const long long value = strtoll(head + i + name_length, &end, 10);
    return *end == '\r' && value >= 0 ? value : -1;
  }
  return -1;
}

static const char *
judge_head(http_t *http, const char *head, uint32_t length)
{
  static const char status[] = "HTTP/1.1 200 ";
  if (length == http->known_bytes && memcmp(head, http->known_head, length) == 0) return NULL;

  if (length < sizeof(status) - 1 || memcmp(head, status, sizeof(status) - 1) != 0) {
    return "a response without status 200";
  }
  const int64_t bytes = content_length(head, length);
  if (bytes < 0) return "a response without Content-Length";
  if (http->body_bytes >= 0 && bytes != http->body_bytes) return "a body of another length";
  http->body_bytes = bytes;
  memcpy(http->known_head, head, length);
  http->known_bytes = length;
  return NULL;
}

/* Takes a head, or the rest of one. Returns the bytes taken; all of them while there is no end. */
static uint32_t
take_head(http_t *http, reader_t *reader, const char *bytes, uint32_t length, const char **what)
{
  static const char end_mark[] = "\r\n\r\n";
  const uint32_t before = reader->head_bytes;
  const uint32_t room = HEAD_MAX - before;
  const uint32_t copied = length < room ? length : room;

  /* The mark may have begun in what came before. */
  const char *head = bytes;
  uint32_t head_length = length;
  if (before > 0) {
    memcpy(reader->head + before, bytes, copied);
    head = reader->head;
    head_length = before + copied;
  }
  const char *end = memmem(head, head_length, end_mark, sizeof(end_mark) - 1);
  if (!end) {
    if (copied < length || copied == room) *what = "a head that does not end";
    if (before == 0) memcpy(reader->head, bytes, copied);
    reader->head_bytes = before + copied;
    return length;
  }
  const uint32_t whole = (uint32_t)(end - head) + (uint32_t)sizeof(end_mark) - 1;
  *what = whole > HEAD_MAX ? "a head that is too long" : judge_head(http, head, whole);
  reader->head_bytes = 0;
  reader->body_left = http->body_bytes > 0 ? (uint64_t)http->body_bytes : 0;
  return whole - before;
}

static int
on_data(void *context, uint32_t conn, const uint8_t *bytes, uint32_t length, const char **what)
{
  http_t *http = context;
  reader_t *reader = &http->readers[conn];
  int replies = 0;
  for (uint32_t at = 0; at < length;) {
    if (reader->body_left == 0) {
      at += take_head(http, reader, (const char *)bytes + at, length - at, what);
      if (*what) return -1;
      if (reader->head_bytes == 0 && reader->body_left == 0) replies++;
      continue;
    }
    const uint64_t left = reader->body_left;
    const uint32_t step = length - at < left ? length - at : (uint32_t)left;
    reader->body_left -= step;
    at += step;
    if (reader->body_left == 0) replies++;
  }
  return replies;
}

static bool
is_amid(const void *context, uint32_t conn)
{
  const http_t *http = context;
  return http->readers[conn].head_bytes > 0 || http->readers[conn].body_left > 0;
}

/* `pipeline` requests behind each other, and one more for those that begin in the middle. */
static int
make_requests(http_t *http, const sea_load_options_t *options)
{
  char request[REQUEST_MAX];
  const int length = snprintf(request, sizeof(request),
                              "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", options->path);
  if (length < 0 || (size_t)length >= sizeof(request)) return -ENAMETOOLONG;
  http->request_bytes = (uint32_t)length;
  http->requests = malloc((size_t)length * (options->pipeline + 1u));
  if (!http->requests) return -ENOMEM;
  for (uint32_t i = 0; i <= options->pipeline; i++) {
    memcpy(http->requests + (size_t)i * http->request_bytes, request, http->request_bytes);
  }
  return 0;
}

int
sea__load_http(sea_run_t *run, const sea_load_options_t *options)
{
  http_t *http = calloc(1, sizeof(*http));
  if (!http) return -ENOMEM;
  http->body_bytes = options->size_given ? (int64_t)options->size : -1;
  http->readers = calloc(options->connections, sizeof(*http->readers));

  int rc = http->readers ? make_requests(http, options) : -ENOMEM;
  const sea_exchange_t exchange = {
      .context = http,
      .request_bytes = http->request_bytes,
      .reply_bytes = REPLY_BYTES,
      .request_at = request_at,
      .on_data = on_data,
      .is_amid = is_amid,
  };
  if (rc == 0) rc = sea__exchange_run(run, options, &exchange);
  free(http->requests);
  free(http->readers);
  free(http);
  return rc;
}
