/* HTTP on the worker: fixed responses without the host, the host's in the order of requests, and
 * nothing lost or left when everything is scarce. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support.h"

#define FIXED_HEAD "HTTP/1.1 200 OK\r\nA: b\r\n"
#define FIXED "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 5\r\n\r\nfixed"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define PENDING 256U

/* -- the client ------------------------------------------------------------------------------- */

/* Sends `text` in pieces of so many bytes, and reads what comes until it is as long as `expected`,
 * while the host goes on. */
static void
talk(host_t *host, int fd, const char *text, size_t piece, const char *expected)
{
  size_t len = strlen(text);
  size_t wanted = strlen(expected);
  char *got = calloc(1, wanted + 1);
  size_t sent = 0;
  size_t read = 0;
  assert_non_null(got);
  uint64_t deadline = monotonic_ms() + deadline_ms();
  while (sent < len || read < wanted) {
    size_t next = len - sent < piece ? len - sent : piece;
    ssize_t n = next == 0 ? 0 : send(fd, text + sent, next, MSG_NOSIGNAL | MSG_DONTWAIT);
    sent += n > 0 ? (size_t)n : 0;
    n = read == wanted ? 0 : recv(fd, got + read, wanted - read, MSG_DONTWAIT);
    read += n > 0 ? (size_t)n : 0;
    host_turn_at_once(host);
    assert_true(monotonic_ms() < deadline);
  }
  assert_string_equal(got, expected);
  free(got);
}

static char *
repeat(const char *text, uint32_t n)
{
  size_t len = strlen(text);
  char *all = malloc(len * n + 1);
  assert_non_null(all);
  for (uint32_t i = 0; i < n; i++) {
    memcpy(all + i * len, text, len);
  }
  all[len * n] = '\0';
  return all;
}

/* -- the host --------------------------------------------------------------------------------- */

/* Requests, each with its URL and its body, which is what it is answered with. They stay: the core
 * sends some of them from here. */
typedef struct pending {
  sea_conn_id_t id;
  uint32_t seq;
  uint32_t flags;
  char text[256];
  bool complete;
} pending_t;

typedef struct book {
  pending_t pending[PENDING];
  uint32_t count;
  uint32_t at_once; /* answered when there are so many, the last first */
  uint32_t answered;
} book_t;

static void
answer(host_t *host, pending_t *pending)
{
  static const char head[] = "HTTP/1.1 200 OK\r\n";
  sea_http_response_t response = {
      .id = pending->id,
      .seq = pending->seq,
      .flags = SEA_HTTP_REPLY_NO_DATE,
      .head = head,
      .head_len = sizeof head - 1,
      .body = pending->text,
      .body_len = strlen(pending->text),
  };
  /* Every other one is given as memory that stays where it is. */
  response.holder = pending->seq % 2 == 0 ? pending : NULL;
  int error = sea_http_respond(host->server, &response);
  assert_true(error == 0 || error == -ENOTCONN);
}

static void
answer_all(host_t *host, book_t *book)
{
  if (book->count - book->answered < book->at_once) {
    return;
  }
  for (uint32_t i = book->count; i > book->answered; i--) {
    assert_true(book->pending[i - 1].complete);
    answer(host, &book->pending[i - 1]);
  }
  book->answered = book->count;
  sea_flush(host->server);
}

static void
on_request(host_t *host, host_conn_t *conn, const sea_http_record_t *record)
{
  book_t *book = host->arg;
  const uint32_t *lengths = (const uint32_t *)(const void *)(record + 1);
  const char *url = (const char *)(lengths + (size_t)record->count * 2);
  assert_true(book->count < PENDING);
  pending_t *pending = &book->pending[book->count++];
  *pending = (pending_t){.id = conn->id, .seq = record->seq};
  assert_true(record->url_len < 128);
  memcpy(pending->text, url, record->url_len);
  assert_int_equal(lengths[0], strlen("Host"));
  assert_memory_equal(url + record->url_len, "Hosta", 5);
  pending->complete = (record->flags & SEA_HTTP_RECORD_COMPLETE) != 0;
  if (pending->complete) {
    answer_all(host, book);
  }
}

static void
on_body(host_t *host, host_conn_t *conn, const void *bytes, size_t len)
{
  book_t *book = host->arg;
  pending_t *pending = &book->pending[book->count - 1];
  size_t before = strlen(pending->text);
  assert_true(pending->id == conn->id && before + len < sizeof pending->text);
  memcpy(pending->text + before, bytes, len);
}

static void
on_request_end(host_t *host, host_conn_t *conn)
{
  book_t *book = host->arg;
  (void)conn;
  book->pending[book->count - 1].complete = true;
  answer_all(host, book);
}

static host_t *
start(sea_options_t options, const sea_http_options_t *http, book_t *book)
{
  options.http = http;
  host_t *host = host_create(&options);
  host->arg = book;
  host->on_request = on_request;
  host->on_data = on_body;
  host->on_request_end = on_request_end;
  host_listen(host);
  return host;
}

static const sea_http_route_t routes[] = {{.path = "/fixed",
                                           .path_len = 6,
                                           .flags = SEA_HTTP_REPLY_NO_DATE,
                                           .head = FIXED_HEAD,
                                           .head_len = sizeof FIXED_HEAD - 1,
                                           .body = "fixed",
                                           .body_len = 5}};

/* -- tests ------------------------------------------------------------------------------------ */

static void
fixed_responses_need_no_host(void **state)
{
  (void)state;
  const sea_options_t all[] = {default_options(), tiny_options()};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    sea_http_options_t http = http_options();
    http.handler = false;
    http.routes = routes;
    http.route_count = 1;
    host_t *host = start(all[i], &http, NULL);
    char *text = repeat(GET("/fixed"), 200);
    char *expected = repeat(FIXED, 200);
    int fds[8];
    for (size_t k = 0; k < 8; k++) {
      fds[k] = client_connect(host->port);
      talk(host, fds[k], text, k == 0 ? 1 : 100 * k, expected);
    }
    assert_int_equal(host->opened, 0);
    assert_int_equal(host_info(host).http_fixed, 1600);
    for (size_t k = 0; k < 8; k++) {
      close(fds[k]);
    }
    host_until(host, host_info(host).connections_active == 0);
    host_stop_quiet(host);
    free(text);
    free(expected);
  }
}

#define RESPONSE(length, text) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n" text

static void
responses_leave_in_the_order_of_requests(void **state)
{
  (void)state;
  static const char text[] = GET("/a")
      GET("/fixed") "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n-body"
                    "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "2\r\n-c\r\n3\r\nhun\r\n1\r\nk\r\n0\r\n\r\n" GET("/d");
  static const char expected[] = RESPONSE("2", "/a") FIXED RESPONSE("7", "/b-body")
      RESPONSE("8", "/c-chunk") RESPONSE("2", "/d");
  const sea_options_t all[] = {default_options(), tiny_options()};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    for (uint32_t depth = 4; depth <= 8; depth += 4) {
      static book_t book;
      book = (book_t){.at_once = 4};
      sea_http_options_t http = http_options();
      http.pipeline_max = depth;
      http.routes = routes;
      http.route_count = 1;
      host_t *host = start(all[i], &http, &book);
      char *many = repeat(text, 50);
      char *answers = repeat(expected, 50);
      int fd = client_connect(host->port);
      /* With four at a time the fifth request, fixed or not, would wait for ever. */
      book.at_once = depth == 4 ? 1 : 4;
      talk(host, fd, many, i == 0 ? SIZE_MAX : 7, answers);
      assert_int_equal(book.answered, 200);
      close(fd);
      host_drain(host);
      assert_int_equal(host->released, 100 - 100 % 2);
      host_stop(host);
      free(many);
      free(answers);
    }
  }
}

static void
a_stop_leaves_nothing(void **state)
{
  (void)state;
  static book_t book;
  book = (book_t){.at_once = PENDING};
  sea_http_options_t http = http_options();
  host_t *host = start(default_options(), &http, &book);
  int fds[4];
  char *many = repeat(GET("/x"), 100); /* eight of them are told, the others held */
  for (size_t i = 0; i < 4; i++) {
    fds[i] = client_connect(host->port);
    /* The first is not held up, so that its reset is seen while its requests are pending. */
    client_write(fds[i], many, i == 0 ? 2 * strlen(GET("/x")) : strlen(many));
    client_write(fds[i], "POST / HTTP", 11);
  }
  host_until(host, book.count == 2 + 3 * 8);
  client_reset(fds[0]);
  host_until(host, host->closed == 1);
  for (uint32_t i = 0; i < book.count; i += 2) {
    answer(host, &book.pending[i]);
  }
  sea_flush(host->server);
  host_stop(host);
  for (size_t i = 1; i < 4; i++) {
    close(fds[i]);
  }
  free(many);
}

static void
expect_close_after(host_t *host, const char *text, const char *expected)
{
  int fd = client_connect(host->port);
  talk(host, fd, text, SIZE_MAX, expected);
  client_expect_end(fd);
  close(fd);
}

static void
limits_of_time_end_connections(void **state)
{
  (void)state;
  static const char late[] =
      "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
  sea_http_options_t http = http_options();
  http.routes = routes;
  http.route_count = 1;
  http.headers_ms = 40;
  http.request_ms = 60;
  http.keep_alive_ms = 30;
  host_t *host = start(default_options(), &http, NULL);
  expect_close_after(host, "", late);
  expect_close_after(host, "\r\n\r\nGET / HT", late);
  expect_close_after(host, "GET /fixed HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf", late);
  expect_close_after(host, GET("/fixed"), FIXED);
  host_drain(host);
  assert_int_equal(host_info(host).http_timeouts, 4);
  host_stop(host);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fixed_responses_need_no_host),
      cmocka_unit_test(responses_leave_in_the_order_of_requests),
      cmocka_unit_test(a_stop_leaves_nothing),
      cmocka_unit_test(limits_of_time_end_connections),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
