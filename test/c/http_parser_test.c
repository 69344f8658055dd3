/* The HTTP parser alone: the same answer however the bytes are split, and nothing read twice. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/parser.h"
#include "support.h"

#define LOG_ROOM 8192U

/* What a parser said of some bytes, as text: one line per request, body bytes in between. */
typedef struct told {
  char log[LOG_ROOM];
  size_t len;
  int status;
} told_t;

static void
say(told_t *told, const char *text, size_t len)
{
  assert_true(told->len + len < LOG_ROOM);
  memcpy(told->log + told->len, text, len);
  told->len += len;
  told->log[told->len] = '\0';
}

static void
say_text(told_t *told, sea_http_text_t text)
{
  say(told, text.at == NULL ? "" : text.at, text.len);
}

static void
say_request(told_t *told, const sea_http_message_t *message)
{
  const char *method = llhttp_method_name((llhttp_method_t)message->method);
  say(told, method, strlen(method));
  say(told, " ", 1);
  say_text(told, message->url);
  for (uint32_t i = 0; i < message->count; i++) {
    say(told, "|", 1);
    say_text(told, message->fields[i].name);
    say(told, "=", 1);
    say_text(told, message->fields[i].value);
  }
  say(told, (message->flags & SEA_HTTP_KEEP_ALIVE) != 0 ? "|+" : "|-", 2);
  if ((message->flags & SEA_HTTP_CONTINUE) != 0) {
    say(told, "?", 1);
  }
  say(told, "\n", 1);
}

/* Parses a piece of its own memory, so that a sanitizer sees what is read beyond it. */
static bool
feed(sea_http_parser_t *parser, told_t *told, const char *bytes, size_t len)
{
  if (len == 0) {
    return true;
  }
  char *piece = malloc(len);
  assert_non_null(piece);
  memcpy(piece, bytes, len);
  size_t used = 0;
  while (used < len && told->status == 0) {
    sea_http_step_t step;
    sea__http_parse(parser, piece + used, len - used, &step);
    if (step.kind == SEA_HTTP_REFUSED) {
      told->status = step.status;
      break;
    }
    assert_true(step.used > 0);
    if (step.kind == SEA_HTTP_REQUEST) {
      say_request(told, &parser->shared->message);
    } else if (step.kind == SEA_HTTP_DATA) {
      assert_true(step.body_len <= step.used);
      say(told, piece + used, step.body_len);
    }
    if (step.complete) {
      say(told, "$\n", 2);
    }
    used += step.used;
  }
  free(piece);
  return told->status == 0;
}

static const sea_http_limits_t limits = {
    .header_bytes = 512, .headers_max = 8, .url_bytes = 64, .body_bytes = 64};

static void
parse_at(const char *bytes, size_t len, size_t first, size_t second, told_t *told)
{
  sea_http_shared_t shared;
  sea_http_parser_t parser;
  assert_int_equal(sea__http_shared_init(&shared, &limits), 0);
  sea__http_parser_init(&parser, &shared);
  *told = (told_t){0};
  if (feed(&parser, told, bytes, first) && feed(&parser, told, bytes + first, second - first)) {
    feed(&parser, told, bytes + second, len - second);
  }
  sea__http_parser_deinit(&parser);
  sea__http_shared_deinit(&shared);
}

/* Of a body that is refused in the end, how much is told before depends on the pieces. */
static bool
is_as_expected(const told_t *told, int status, const char *log)
{
  return told->status == status &&
         (status != 0 ? strncmp(told->log, log, told->len) : strcmp(told->log, log)) == 0;
}

/* In one piece, in every two, in three with every middle one of a byte, and byte by byte. */
static void
expect_bytes(const char *bytes, size_t len, int status, const char *log)
{
  static told_t told;
  for (size_t first = 0; first <= len; first++) {
    for (size_t middle = 0; middle <= 1 && first + middle <= len; middle++) {
      parse_at(bytes, len, first, first + middle, &told);
      if (!is_as_expected(&told, status, log)) {
        print_error("of %s at %zu: %d instead of %d\n%s instead of\n%s\n", bytes, first,
                    told.status, status, told.log, log);
        fail();
      }
    }
  }
  sea_http_shared_t shared;
  sea_http_parser_t parser;
  assert_int_equal(sea__http_shared_init(&shared, &limits), 0);
  sea__http_parser_init(&parser, &shared);
  told = (told_t){0};
  for (size_t i = 0; i < len && feed(&parser, &told, bytes + i, 1); i++) {
  }
  assert_true(is_as_expected(&told, status, log));
  sea__http_parser_deinit(&parser);
  sea__http_shared_deinit(&shared);
}

static void
expect(const char *text, int status, const char *log)
{
  expect_bytes(text, strlen(text), status, log);
}

#define GET "GET / HTTP/1.1\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define CHUNKED_LOG "POST /|Host=a|Transfer-Encoding=chunked|+\n"

static void
requests(void **state)
{
  (void)state;
  expect(GET "Host: a\r\n\r\n", 0, "GET /|Host=a|+\n$\n");
  expect("\r\n\r\n" GET "Host: a\r\n\r\n", 0, "GET /|Host=a|+\n$\n");
  expect(GET "HOST:a\r\nEmpty:\r\nSpaced:  \t b c \t \r\n\r\n", 0,
         "GET /|HOST=a|Empty=|Spaced=b c|+\n$\n");
  expect(GET "Host: a\r\nConnection: close\r\n\r\n", 0, "GET /|Host=a|Connection=close|-\n$\n");
  expect("GET /?a=b HTTP/1.0\r\n\r\n", 0, "GET /?a=b|-\n$\n");
  expect("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 0,
         "GET /|Connection=keep-alive|+\n$\n");
  expect("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 0, "OPTIONS *|Host=a|+\n$\n");
  expect("GET http://a:80/b HTTP/1.1\r\nHost: a\r\n\r\n", 0, "GET http://a:80/b|Host=a|+\n$\n");
  expect("M-SEARCH * HTTP/1.1\r\nHost: a\r\n\r\n", 0, "M-SEARCH *|Host=a|+\n$\n");
  /* An offer of another protocol is passed over; what follows is the next request. */
  expect(GET "Host: a\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" GET "Host: b\r\n\r\n", 0,
         "GET /|Host=a|Upgrade=x|Connection=upgrade|+\n$\nGET /|Host=b|+\n$\n");
}

static void
bodies(void **state)
{
  (void)state;
  expect(POST "Content-Length: 0\r\n\r\n", 0, "POST /|Host=a|Content-Length=0|+\n$\n");
  expect(POST "Content-Length: 5\r\n\r\nhello" GET "Host: a\r\n\r\n", 0,
         "POST /|Host=a|Content-Length=5|+\nhello$\nGET /|Host=a|+\n$\n");
  expect(POST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nab", 0,
         "POST /|Host=a|Expect=100-continue|Content-Length=2|+?\nab$\n");
  expect(CHUNKED "5\r\nhello\r\n1;z=\"q q\"\r\n!\r\n00\r\n\r\n" GET "Host: a\r\n\r\n", 0,
         CHUNKED_LOG "hello!$\nGET /|Host=a|+\n$\n");
  expect(CHUNKED "A\r\n0123456789\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n", 0,
         CHUNKED_LOG "0123456789$\n");
}

static void
what_could_be_read_twice_is_refused(void **state)
{
  (void)state;
  static const char *const heads[] = {
      /* line ends, continued lines, spaces, control characters */
      "GET / HTTP/1.1\nHost: a\n\n",
      GET "Host: a\n\r\n",
      GET "Host: a\r\n\n",
      GET "Host: a\r\r\n\r\n",
      GET "Host: a\rX: y\r\n\r\n",
      GET " Host: a\r\n\r\n",
      GET "Host: a\r\n b\r\n\r\n",
      GET "Host: a\r\n\tb\r\n\r\n",
      GET "Host : a\r\n\r\n",
      GET "Host\t: a\r\n\r\n",
      GET "Ho st: a\r\n\r\n",
      GET "Host: a\r\n: b\r\n\r\n",
      GET "Host: a\r\nno colon\r\n\r\n",
      GET "Host: a\r\nX: \x01\r\n\r\n",
      GET "Host: a\r\nX: \x7f\r\n\r\n",
      GET "Host: a\r\nX\x80: y\r\n\r\n",
      "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
      "GET /\tb HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n",
      " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "\n" GET "Host: a\r\n\r\n",
      /* methods and versions */
      "get / HTTP/1.1\r\nHost: a\r\n\r\n",
      "NONE / HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET\r\n\r\n",
      "GET /\r\n\r\n",
      "GET / http/1.1\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.10\r\nHost: a\r\n\r\n",
      "GET / HTTP/11.1\r\nHost: a\r\n\r\n",
      "GET / HTTP/1,1\r\nHost: a\r\n\r\n",
      "GET / RTSP/1.0\r\nHost: a\r\n\r\n",
      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1\r\n\r\n",
      /* who is asked */
      GET "\r\n",
      GET "Host: a\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
      /* how long the body is */
      POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
      POST "Content-Length: 1\r\nContent-Length: 2\r\n\r\na",
      POST "Content-Length: 1, 1\r\n\r\na",
      POST "Content-Length: +1\r\n\r\na",
      POST "Content-Length: -1\r\n\r\na",
      POST "Content-Length: 0x1\r\n\r\na",
      POST "Content-Length: 1 1\r\n\r\na",
      POST "Content-Length: 1;\r\n\r\na",
      POST "Content-Length:\r\n\r\na",
      POST "Content-Length: 18446744073709551617\r\n\r\na",
      POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      POST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n",
      POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
      POST "Transfer-Encoding: identity\r\n\r\n",
      POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
      POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
      POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  };
  for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
    expect(heads[i], 400, "");
  }
  static const char nul[] = GET "Host: a\r\nX: a\0b\r\n\r\n";
  expect_bytes(nul, sizeof nul - 1, 400, "");
}

static void
chunks_that_could_be_read_twice_are_refused(void **state)
{
  (void)state;
  static const struct {
    const char *body;
    const char *log;
  } cases[] = {
      {"1\na\r\n0\r\n\r\n", ""},
      {"1\r\na\n0\r\n\r\n", "a"},
      {"1\r\na0\r\n\r\n", "a"},
      {"1\r\nab\r\n0\r\n\r\n", "a"},
      {"1 \r\na\r\n0\r\n\r\n", ""},
      {" 1\r\na\r\n0\r\n\r\n", ""},
      {"0x1\r\na\r\n0\r\n\r\n", ""},
      {"+1\r\na\r\n0\r\n\r\n", ""},
      {"-1\r\na\r\n0\r\n\r\n", ""},
      {"1_0\r\na\r\n0\r\n\r\n", ""},
      {"\r\na\r\n0\r\n\r\n", ""},
      {"g\r\na\r\n0\r\n\r\n", ""},
      {"1;a\nb\r\na\r\n0\r\n\r\n", ""},
      {"1;a\rb\r\na\r\n0\r\n\r\n", ""},
      {"1;a=\"\n\"\r\na\r\n0\r\n\r\n", ""},
      {"10000000000000001\r\na\r\n0\r\n\r\n", ""},
      {"0\r\n\n", ""},
      {"0\n\r\n", ""},
      {"0\r\nX: y\n\r\n", ""},
      {"0\r\n X: y\r\n\r\n", ""},
      {"0\r\nX : y\r\n\r\n", ""},
      {"0\r\nTransfer-Encoding: chunked\r\n\r\n", ""},
      {"0\r\nContent-Length: 1\r\n\r\n", ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[512];
    char log[512];
    snprintf(text, sizeof text, "%s%s", CHUNKED, cases[i].body);
    snprintf(log, sizeof log, "%s%s", CHUNKED_LOG, cases[i].log);
    expect(text, 400, log);
  }
}

/* A repeated character, between a beginning and an end. */
static char *
long_text(const char *before, size_t n, const char *behind)
{
  size_t len = strlen(before);
  char *text = malloc(len + n + strlen(behind) + 1);
  assert_non_null(text);
  memcpy(text, before, len);
  memset(text + len, 'a', n);
  strcpy(text + len + n, behind);
  return text;
}

static void
expect_long(const char *before, size_t n, const char *behind, int status, const char *log)
{
  char *text = long_text(before, n, behind);
  expect(text, status, log);
  free(text);
}

static void
limits_are_kept(void **state)
{
  (void)state;
  char *url = long_text("GET /", 63, "|Host=a|+\n$\n");
  expect_long("GET /", 63, " HTTP/1.1\r\nHost: a\r\n\r\n", 0, url);
  free(url);
  expect_long("GET /", 64, " HTTP/1.1\r\nHost: a\r\n\r\n", 414, "");
  char *header = long_text("GET /|Host=a|X=", 480, "|+\n$\n");
  expect_long(GET "Host: a\r\nX: ", 480, "\r\n\r\n", 0, header); /* 512 bytes in all */
  free(header);
  expect_long(GET "Host: a\r\nX: ", 481, "\r\n\r\n", 431, "");
  expect_long(GET "Host: a\r\nX: ", 4000, "", 431, "");
  expect(GET "Host: a\r\na:b\r\na:b\r\na:b\r\na:b\r\na:b\r\na:b\r\na:b\r\na:b\r\n\r\n", 431, "");
  expect(GET "Host: a\r\na:b\r\na:b\r\na:b\r\na:b\r\na:b\r\na:b\r\na:b\r\n\r\n", 0,
         "GET /|Host=a|a=b|a=b|a=b|a=b|a=b|a=b|a=b|+\n$\n");
  expect(POST "Content-Length: 65\r\n\r\n", 413, "");
  expect(CHUNKED "41\r\n", 413, CHUNKED_LOG);
  expect(CHUNKED "1\r\na\r\n40\r\n", 413, CHUNKED_LOG "a");
  expect(CHUNKED "1\r\na\r\nffffffffffffffff\r\n", 413, CHUNKED_LOG "a");
}

static void
what_is_not_known_is_refused(void **state)
{
  (void)state;
  expect("GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505, "");
  expect("GET / HTTP/0.9\r\n\r\n", 505, "");
  expect("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "");
  expect("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "");
  expect("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 501, "");
  expect(POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, "");
  expect(POST "Expect: more\r\nContent-Length: 1\r\n\r\na", 417, "");
}

/* Whatever comes, the parser ends it or waits, and reads no byte that is not there. */
static void
garbage(void **state)
{
  (void)state;
  static const char alphabet[] =
      "GET / HTTP/1.1\r\n\r\nHost: a:\r\nContent-Length: 1\r\n\0\x80 ;0aF";
  uint32_t random = 7;
  static told_t told;
  for (int round = 0; round < 20000; round++) {
    char bytes[96];
    size_t len = 1 + next_random(&random) % sizeof bytes;
    for (size_t i = 0; i < len; i++) {
      bytes[i] = alphabet[next_random(&random) % (sizeof alphabet - 1)];
    }
    static const char whole[] = CHUNKED;
    char text[sizeof whole + sizeof bytes];
    size_t before = (round & 1) != 0 ? sizeof whole - 1 : 0;
    memcpy(text, whole, before);
    memcpy(text + before, bytes, len);
    size_t first = next_random(&random) % (before + len);
    parse_at(text, before + len, first, before + len, &told);
    assert_true(told.status == 0 || (told.status >= 400 && told.status <= 505));
  }
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(requests),
      cmocka_unit_test(bodies),
      cmocka_unit_test(what_could_be_read_twice_is_refused),
      cmocka_unit_test(chunks_that_could_be_read_twice_are_refused),
      cmocka_unit_test(limits_are_kept),
      cmocka_unit_test(what_is_not_known_is_refused),
      cmocka_unit_test(garbage),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
