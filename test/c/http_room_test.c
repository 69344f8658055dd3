/* HTTP never tells the host more than there is room for, and never answers a request twice. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support.h"

#define BODY 8000U
#define CONNS 100U
#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8000\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

typedef struct book {
  bool facade;
  bool waits;      /* the host answers nothing */
  uint32_t filler; /* the number of the connection that fills the event ring */
  uint32_t requests;
  uint64_t body;
  uint32_t ends;
  uint32_t failed;
} book_t;

static void
answer(host_t *host, host_conn_t *conn, uint32_t seq)
{
  static const char head[] = "HTTP/1.1 200 OK\r\n";
  sea_http_response_t response = {
      .id = conn->id,
      .seq = seq,
      .flags = SEA_HTTP_REPLY_NO_DATE,
      .head = head,
      .head_len = sizeof head - 1,
      .body = "ok",
      .body_len = 2,
  };
  assert_int_equal(sea_http_respond(host->server, &response), 0);
  sea_flush(host->server);
}

static void
on_request(host_t *host, host_conn_t *conn, const sea_http_record_t *record)
{
  book_t *book = host->arg;
  book->requests++;
  if (!book->facade && !book->waits) {
    answer(host, conn, record->seq);
  }
}

static void
on_body(host_t *host, host_conn_t *conn, const void *bytes, size_t len)
{
  book_t *book = host->arg;
  if (conn != &host->conns[book->filler]) {
    assert_true(pattern_matches(bytes, len, 1, book->body));
    book->body += len;
  }
}

static void
on_request_end(host_t *host, host_conn_t *conn)
{
  book_t *book = host->arg;
  (void)conn;
  book->ends++;
}

static void
on_http(host_t *host, host_conn_t *conn, const sea_event_t *event)
{
  book_t *book = host->arg;
  assert_int_equal(event->kind, SEA_EVENT_FAILED);
  book->failed++;
  host_close(host, conn, false);
}

static host_t *
start(sea_http_options_t *http, book_t *book)
{
  sea_options_t options = tiny_options();
  options.buffer_count = 256;
  http->facade = book->facade;
  http->pipeline_max = 1;
  options.http = http;
  host_t *host = host_create(&options);
  host->arg = book;
  host->on_request = on_request;
  host->on_data = on_body;
  host->on_request_end = on_request_end;
  host->on_http = on_http;
  host_listen(host);
  return host;
}

/* Six events, OPEN included, that the host does not take. */
static int
fill_the_event_ring(host_t *host)
{
  static const char text[256] = POST;
  uint64_t before = host_info(host).bytes_received;
  int fd = client_connect(host->port);
  client_write(fd, text, sizeof text);
  until(host_info(host).bytes_received == before + sizeof text, nap());
  return fd;
}

/* A request, and behind it one whose body comes at once: so much of it is received before the
 * server has seen that it is to wait. */
static int
send_two_at_once(host_t *host)
{
  static char text[sizeof GET - 1 + sizeof POST - 1 + BODY];
  int fd = client_connect(host->port);
  memcpy(text, GET POST, sizeof GET POST - 1);
  pattern_fill(text + sizeof GET POST - 1, BODY, 1, 0);
  client_write(fd, text, sizeof text);
  return fd;
}

static void
expect_the_body(host_t *host, int fd, int filler)
{
  book_t *book = host->arg;
  host_until(host, book->ends == 1);
  assert_int_equal(book->requests, 3);
  assert_int_equal(book->body, BODY);
  client_reset(fd);
  client_reset(filler);
  if (book->facade) {
    host_close(host, &host->conns[book->filler], false);
    host_close(host, &host->conns[1 - book->filler], false);
  }
  host_until(host, host->closed == 2);
  host_stop(host);
}

static void
a_body_that_was_held_is_told_in_pieces(void **state)
{
  (void)state;
  book_t book = {.waits = true, .filler = 1};
  sea_http_options_t http = http_options();
  host_t *host = start(&http, &book);
  int fd = send_two_at_once(host);
  host_until(host, book.requests == 1);
  int filler = fill_the_event_ring(host);
  answer(host, &host->conns[0], 1);
  expect_the_body(host, fd, filler);
}

static void
so_it_is_to_the_facade(void **state)
{
  (void)state;
  book_t book = {.facade = true};
  sea_http_options_t http = http_options();
  host_t *host = start(&http, &book);
  int filler = fill_the_event_ring(host);
  int fd = send_two_at_once(host);
  until(host_info(host).http_requests == 3, nap());
  expect_the_body(host, fd, filler);
}

/* More than there is room for in the event ring, while the host is busy with something else. */
static void
many_time_limits_at_once_are_all_told(void **state)
{
  (void)state;
  book_t book = {.facade = true};
  sea_http_options_t http = http_options();
  int fds[CONNS];
  http.headers_ms = 300;
  host_t *host = start(&http, &book);
  for (uint32_t i = 0; i < CONNS; i++) {
    fds[i] = client_connect(host->port);
  }
  host_until(host, host->opened == CONNS);
  host_until(host, host_info(host).http_timeouts > 0);
  host_until(host, book.failed == CONNS);
  assert_int_equal(host_info(host).http_timeouts, CONNS);
  host_until(host, host->closed == CONNS); /* there may be no room for so many commands at once */
  for (uint32_t i = 0; i < CONNS; i++) {
    client_expect_end(fds[i]);
    close(fds[i]);
  }
  host_drain(host);
  host_stop(host);
}

/* What was wrong with its body comes too late. */
static void
a_request_that_was_answered_is_not_refused(void **state)
{
  (void)state;
  static const char head[] = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  static const char *const endings[] = {"nonsense\r\n", "3\r\nabc\r\nx", NULL};
  char got[sizeof OK];
  for (uint32_t i = 0; i < 3; i++) {
    book_t book = {0};
    sea_http_options_t http = http_options();
    http.request_ms = endings[i] == NULL ? 100 : 0;
    host_t *host = start(&http, &book);
    int fd = client_connect(host->port);
    client_write(fd, head, sizeof head - 1);
    size_t len = 0;
    until(len == sizeof OK - 1, {
      ssize_t n = recv(fd, got + len, sizeof got - len, MSG_DONTWAIT);
      len += n > 0 ? (size_t)n : 0;
      host_turn(host);
    });
    assert_memory_equal(got, OK, len);
    if (endings[i] != NULL) {
      client_write(fd, endings[i], strlen(endings[i]));
    }
    if (i == 1) {
      assert_int_equal(shutdown(fd, SHUT_WR), 0); /* in the middle */
    }
    host_until(host, host_info(host).http_refused == 1);
    client_expect_end(fd);
    close(fd);
    host_drain(host);
    host_stop(host);
  }
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_body_that_was_held_is_told_in_pieces),
      cmocka_unit_test(so_it_is_to_the_facade),
      cmocka_unit_test(many_time_limits_at_once_are_all_told),
      cmocka_unit_test(a_request_that_was_answered_is_not_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
