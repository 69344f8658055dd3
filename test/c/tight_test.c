/* An event ring that is nearly full, pass by pass: the inline driver's host decides when it
 * consumes. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support.h"

#define EVENTS 32U
#define CLIENTS_MAX 26
#define CONSUMED_MAX 8U

static void
ring_bell(void *arg)
{
  (void)arg;
}

static void
release(void *arg, void *holder)
{
  (void)arg;
  (void)holder;
}

static sea_server_t *
start(const sea_http_options_t *http, uint16_t *port)
{
  sea_options_t options;
  sea_options_init(&options);
  options.driver = SEA_DRIVER_INLINE;
  options.event_capacity = EVENTS;
  options.buffer_size = 128;
  options.buffer_count = 64;
  options.on_events = ring_bell;
  options.on_release = release;
  options.http = http;
  sea_server_t *server;
  assert_int_equal(sea_server_create(&options, &server), 0);
  sea_listen_t spec = {.backlog = 64, .address_len = sizeof(struct sockaddr_in)};
  struct sockaddr_in *address = (struct sockaddr_in *)&spec.address;
  address->sin_family = AF_INET;
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const char *syscall;
  assert_int_equal(sea_server_listen(server, &spec, &syscall), 0);
  assert_int_equal(sea_server_start(server), 0);
  struct sockaddr_storage bound;
  assert_int_equal(sea_server_address(server, &bound), 0);
  *port = ntohs(((struct sockaddr_in *)&bound)->sin_port);
  return server;
}

/* A few passes. However many events there are, they never outgrow their ring. */
static uint32_t
run(sea_server_t *server)
{
  uint32_t events = 0;
  for (int i = 0; i < 5; i++) {
    nap();
    (void)sea_inline_pass(server);
    events = sea_events_poll(server);
    assert_true(events <= EVENTS);
  }
  return events;
}

static sea_conn_id_t
id_of(const sea_event_t *event)
{
  return ((sea_conn_id_t)event->generation << SEA_SLOT_BITS) | event->slot;
}

static sea_conn_id_t
open_one(sea_server_t *server, uint16_t port, int *client)
{
  *client = client_connect(port);
  until(sea_events_poll(server) > 0, run(server));
  return id_of(sea_event_at(server, 0));
}

static const sea_http_options_t facade = {.header_bytes = 16384,
                                          .headers_max = 100,
                                          .url_bytes = 16384,
                                          .pipeline_max = 1,
                                          .handler = true,
                                          .facade = true};

/* Requests of which the last ones come in a later step than the first. */
static int
write_requests(char *text, size_t size)
{
  static const char head[] = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  char body[101] = {0};
  memset(body, 'x', sizeof body - 1);
  return snprintf(text, size,
                  "GET / HTTP/1.1\r\nHost: a\r\n\r\n%s64\r\n%s\r\n0\r\na: b\r\n\r\n"
                  "%s1\r\nx\r\n0\r\na: b\r\n\r\n",
                  head, body, head);
}

/* All that a step may tell of a connection, with the events of so many others before it. */
static void
try_step(int others, uint32_t consumed)
{
  uint16_t port;
  int clients[CLIENTS_MAX + 1];
  char text[1024];
  sea_server_t *server = start(&facade, &port);
  sea_conn_id_t id = open_one(server, port, &clients[0]);
  for (int i = 1; i <= others; i++) {
    clients[i] = client_connect(port);
  }
  (void)run(server);
  client_write(clients[0], text, (size_t)write_requests(text, sizeof text));
  shutdown(clients[0], SHUT_WR);
  (void)run(server);
  (void)sea_send(server, id, "", 0, true);
  (void)sea_shutdown(server, id);
  sea_events_consume(server, consumed);
  (void)run(server);
  sea_server_destroy(server);
  for (int i = 0; i <= others; i++) {
    close(clients[i]);
  }
}

/* The most is the rest of a request, as many whole ones as a step may bring, the end, and what
 * became of the last write and of the end of our side. */
static void
a_step_tells_no_more_than_there_is_room_for(void **state)
{
  (void)state;
  for (int others = 16; others <= CLIENTS_MAX; others++) {
    for (uint32_t consumed = 1; consumed <= CONSUMED_MAX; consumed++) {
      try_step(others, consumed);
    }
  }
}

/* Commands that tell something wait for room, and the order to stop waits for them. */
static void
stop_follows_what_was_commanded_before(void **state)
{
  (void)state;
  uint16_t port;
  int clients[2];
  sea_conn_id_t ids[2];
  sea_server_t *server = start(NULL, &port);
  for (int i = 0; i < 2; i++) {
    ids[i] = open_one(server, port, &clients[i]);
    sea_events_consume(server, sea_events_poll(server));
  }
  assert_int_equal(sea_shutdown(server, ids[0]), 0);
  (void)run(server);
  sea_events_consume(server, sea_events_poll(server));
  for (uint32_t i = 0; i < EVENTS; i++) { /* each fails, and tells so */
    assert_int_equal(sea_send(server, ids[0], "x", 1, true), 0);
  }
  assert_int_equal(sea_send(server, ids[1], "hello", 5, true), 0);
  sea_stop(server);
  for (int i = 0; i < 20; i++) {
    (void)run(server);
    sea_events_consume(server, sea_events_poll(server));
  }
  char answer[8] = {0};
  assert_int_equal(recv(clients[1], answer, sizeof answer - 1, 0), 5);
  assert_string_equal(answer, "hello");
  sea_server_destroy(server);
  close(clients[0]);
  close(clients[1]);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_step_tells_no_more_than_there_is_room_for),
      cmocka_unit_test(stop_follows_what_was_commanded_before),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
