/* The HTTP facade: what the host is told is the same however the bytes come, and what is no plain
 * request comes as it was sent, from the begin of its head on. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support.h"

#define LOG_ROOM (1U << 20)

/* What was told of one connection: `{url` a request, its body, `;n` trailers, `}` its end, `<` raw
 * bytes, `!n` a failure, `.` the peer's end. */
typedef struct book {
  char log[LOG_ROOM];
  size_t len;
  bool ended;
} book_t;

static void
say(book_t *book, const void *text, size_t len)
{
  assert_true(book->len + len < LOG_ROOM);
  memcpy(book->log + book->len, text, len);
  book->len += len;
  book->log[book->len] = '\0';
}

static void
on_request(host_t *host, host_conn_t *conn, const sea_http_record_t *record)
{
  (void)conn;
  say(host->arg, "{", 1);
  say(host->arg, (const char *)(record + 1) + (size_t)record->count * 8, record->url_len);
  if ((record->flags & SEA_HTTP_RECORD_COMPLETE) != 0) {
    say(host->arg, "}", 1);
  }
}

static void
on_data(host_t *host, host_conn_t *conn, const void *bytes, size_t len)
{
  (void)conn;
  say(host->arg, bytes, len);
}

static void
on_request_end(host_t *host, host_conn_t *conn)
{
  (void)conn;
  say(host->arg, "}", 1);
}

static void
on_http(host_t *host, host_conn_t *conn, const sea_event_t *event)
{
  const sea_http_record_t *record;
  char status[4] = {'!', (char)('0' + event->result / 100), '0', '0'};
  (void)conn;
  switch (event->kind) {
  case SEA_EVENT_TRAILERS:
    record = sea_event_data(host->server, event);
    say(host->arg, ";", 1);
    say(host->arg, &(char){(char)('0' + record->count)}, 1);
    break;
  case SEA_EVENT_RAW:
    say(host->arg, "<", 1);
    break;
  default:
    say(host->arg, status, sizeof status);
  }
}

static void
on_end(host_t *host, host_conn_t *conn)
{
  book_t *book = host->arg;
  say(book, ".", 1);
  book->ended = true;
  host_close(host, conn, false);
}

/* Sends the text in pieces, then FIN, and expects this to be told. */
static void
expect(host_t *host, const char *text, size_t piece, const char *log)
{
  book_t *book = host->arg;
  size_t len = strlen(text);
  int fd = client_connect(host->port);
  book->len = 0;
  book->ended = false;
  for (size_t sent = 0; sent < len; sent += piece) {
    client_write(fd, text + sent, len - sent < piece ? len - sent : piece);
    host_turn_at_once(host);
  }
  assert_int_equal(shutdown(fd, SHUT_WR), 0);
  host_until(host, book->ended);
  assert_string_equal(book->log, log);
  close(fd);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define CHUNKED "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
#define UPGRADE "GET /u HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"

static const struct {
  const char *text;
  const char *log;
} cases[] = {
    {GET("/a") GET("/b"), "{/a}{/b}."},
    {"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody" GET("/a"), "{/bbody}{/a}."},
    {CHUNKED "3\r\nabc\r\n1\r\nd\r\n0\r\nX: y\r\nY: z\r\n\r\n" GET("/a"), "{/cabcd;2}{/a}."},
    {GET("/a") UPGRADE "\x01 anything \r\n" GET("/b"),
     "{/a}<" UPGRADE "\x01 anything \r\n" GET("/b") "."},
    {GET("/a") "G\tET / nonsense", "{/a}<G\tET / nonsense."},
    {GET("/a") "GET / HT", "{/a}<GET / HT."},
    {"GET / HTTP/1.1\r\n\r\nrest", "<GET / HTTP/1.1\r\n\r\nrest."},
    {CHUNKED "3\r\nabc\r\nx\r\n" GET("/b"), "{/cabc!400."},
    {CHUNKED "3\r\nab", "{/cab!000."},
    {"GET /o HTTP/1.0\r\n\r\n" GET("/b"), "{/o}."},
};

static void
events_do_not_depend_on_the_pieces(void **state)
{
  (void)state;
  static book_t book;
  const sea_options_t all[] = {default_options(), tiny_options()};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    sea_http_options_t http = http_options();
    sea_options_t options = all[i];
    http.facade = true;
    http.pipeline_max = 1 + (uint32_t)i; /* a request or two per step */
    options.http = &http;
    host_t *host = host_create(&options);
    host->arg = &book;
    host->on_request = on_request;
    host->on_data = on_data;
    host->on_request_end = on_request_end;
    host->on_http = on_http;
    host->on_end = on_end;
    host_listen(host);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
      expect(host, cases[k].text, SIZE_MAX, cases[k].log);
      expect(host, cases[k].text, 1, cases[k].log);
      expect(host, cases[k].text, 13, cases[k].log);
    }
    host_drain(host);
    host_stop(host);
  }
}

static void
many_requests_at_once_are_all_told(void **state)
{
  (void)state;
  static book_t book;
  static char text[3000 * sizeof GET("/a")];
  static char log[3000 * 4 + 2];
  size_t len = sizeof GET("/a") - 1;
  for (size_t i = 0; i < 3000; i++) {
    memcpy(text + i * len, GET("/a"), len);
    memcpy(log + i * 4, "{/a}", 4);
  }
  strcpy(log + (size_t)3000 * 4, ".");
  sea_http_options_t http = http_options();
  sea_options_t options = default_options();
  http.facade = true;
  options.http = &http;
  options.event_capacity = 64;
  host_t *host = host_create(&options);
  host->arg = &book;
  host->on_request = on_request;
  host->on_data = on_data;
  host->on_end = on_end;
  host_listen(host);
  expect(host, text, SIZE_MAX, log);
  host_drain(host);
  host_stop(host);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(events_do_not_depend_on_the_pieces),
      cmocka_unit_test(many_requests_at_once_are_all_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
