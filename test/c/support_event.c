/* The host's events: keeps the books, and holds the core to the order it promises. */
#include <poll.h>
#include <sys/eventfd.h>

#include "support.h"

#define TURN_EVENTS 64U
#define TURN_WAIT_MS 5

static host_conn_t *
find(host_t *host, const sea_event_t *event)
{
  assert_true(event->slot < HOST_CONNS);
  host_conn_t *conn = &host->conns[host->by_slot[event->slot]];
  assert_int_equal(sea_conn_id_slot(conn->id), event->slot);
  assert_int_equal(sea_conn_id_generation(conn->id), event->generation);
  assert_false(conn->closed);
  return conn;
}

static void
on_open(host_t *host, const sea_event_t *event)
{
  assert_true(event->slot < HOST_CONNS);
  assert_true(host->opened < HOST_CONNS);
  assert_int_not_equal(event->generation, 0);
  host_conn_t *conn = &host->conns[host->opened];
  conn->id = (sea_conn_id_t)event->generation << SEA_SLOT_BITS | event->slot;
  host->by_slot[event->slot] = host->opened++;
  if (host->on_open != NULL) {
    host->on_open(host, conn);
  }
}

static bool
is_over(const host_t *host, const host_conn_t *conn)
{
  return conn->ended || (conn->failed && !host->posts);
}

static void
on_data(host_t *host, host_conn_t *conn, const sea_event_t *event)
{
  assert_false(is_over(host, conn));
  assert_true(event->result > 0);
  conn->received += (uint32_t)event->result;
  host->received += (uint32_t)event->result;
  if (host->on_data != NULL) {
    host->on_data(host, conn, sea_event_data(host->server, event), (size_t)event->result);
  }
}

static void
on_end(host_t *host, host_conn_t *conn)
{
  assert_false(is_over(host, conn));
  conn->ended = true;
  if (host->on_end != NULL) {
    host->on_end(host, conn);
  }
}

static void
on_failed(host_t *host, host_conn_t *conn, int32_t error)
{
  assert_true(host->posts || !is_over(host, conn));
  assert_true(error < 0);
  conn->failed = true;
  conn->error = error;
  if (host->on_failed != NULL) {
    host->on_failed(host, conn);
  } else {
    host_close(host, conn, false);
  }
}

static void
on_sent(host_conn_t *conn, int32_t result)
{
  assert_true(result <= 0);
  conn->sents++;
  conn->sent_result = result;
  host_acknowledge(conn);
}

static void
on_shutdown(host_t *host, host_conn_t *conn, int32_t result)
{
  assert_false(conn->shut);
  conn->shut = true;
  conn->shutdown_result = result;
  if (host->on_shutdown != NULL) {
    host->on_shutdown(host, conn);
  }
}

static void
on_closed(host_t *host, host_conn_t *conn, int32_t reason)
{
  conn->closed = true;
  conn->reason = reason;
  host->closed++;
  while (conn->first != NULL) {
    host_acknowledge(conn);
  }
}

static void
on_connection_event(host_t *host, const sea_event_t *event)
{
  host_conn_t *conn = find(host, event);
  switch ((sea_event_kind_t)event->kind) {
  case SEA_EVENT_DATA:
    on_data(host, conn, event);
    break;
  case SEA_EVENT_END:
    on_end(host, conn);
    break;
  case SEA_EVENT_ERROR:
    on_failed(host, conn, event->result);
    break;
  case SEA_EVENT_SENT:
    on_sent(conn, event->result);
    break;
  case SEA_EVENT_SHUTDOWN:
    on_shutdown(host, conn, event->result);
    break;
  case SEA_EVENT_DRAIN:
    conn->drains++;
    break;
  case SEA_EVENT_REQUEST:
    host->on_request(host, conn, sea_event_data(host->server, event));
    break;
  case SEA_EVENT_REQUEST_END:
    host->on_request_end(host, conn);
    break;
  case SEA_EVENT_TRAILERS:
  case SEA_EVENT_RAW:
  case SEA_EVENT_FAILED:
    host->on_http(host, conn, event);
    break;
  case SEA_EVENT_CLOSED:
    on_closed(host, conn, event->result);
    break;
  default:
    fail_msg("event of kind %d", event->kind);
  }
}

static void
on_event(host_t *host, const sea_event_t *event)
{
  assert_false(host->stopped);
  switch (event->kind) {
  case SEA_EVENT_OPEN:
    on_open(host, event);
    break;
  case SEA_EVENT_COMMAND_SPACE:
    host->spaces++;
    host_retry(host);
    break;
  case SEA_EVENT_LISTENER_CLOSED:
    assert_false(host->listener_closed);
    host->listener_closed = true;
    host->listener_result = event->result;
    break;
  case SEA_EVENT_STOPPED:
    host->stopped = true;
    break;
  default:
    on_connection_event(host, event);
  }
}

/* Runs the loop of a server that does not do so itself. */
static void
drive(host_t *host, int wait_ms)
{
  if (!inline_run(host->server)) {
    struct pollfd fds[] = {{.fd = sea_inline_fd(host->server), .events = POLLIN},
                           {.fd = host->bell, .events = POLLIN}};
    poll(fds, 2, wait_ms);
    eventfd_t count;
    if (fds[0].revents != 0) {
      assert_int_equal(eventfd_read(fds[0].fd, &count), 0);
    }
    sea_inline_wake(host->server);
  }
}

static void
turn(host_t *host, int wait_ms)
{
  struct pollfd bell = {.fd = host->bell, .events = POLLIN};
  eventfd_t rings;
  if (host->inline_driver) {
    drive(host, wait_ms);
  }
  if (poll(&bell, 1, host->inline_driver ? 0 : wait_ms) != 1) {
    return;
  }
  assert_int_equal(eventfd_read(host->bell, &rings), 0);
  uint32_t pending = sea_events_poll(host->server);
  assert_true(pending <= host->event_capacity);
  uint32_t taken = pending < TURN_EVENTS ? pending : TURN_EVENTS;
  for (uint32_t i = 0; i < taken; i++) {
    on_event(host, sea_event_at(host->server, i));
  }
  sea_events_consume(host->server, taken);
  if (sea_events_again(host->server)) {
    assert_int_equal(eventfd_write(host->bell, 1), 0);
  }
  sea_flush(host->server);
}

void
host_turn(host_t *host)
{
  turn(host, TURN_WAIT_MS);
}

void
host_turn_at_once(host_t *host)
{
  turn(host, 0);
}

/* -- echo ------------------------------------------------------------------------------------- */

static void
close_at_shutdown(host_t *host, host_conn_t *conn)
{
  host_close(host, conn, false);
}

void
host_echo(host_t *host)
{
  host->on_data = host_send;
  host->on_end = host_shutdown;
  host->on_shutdown = close_at_shutdown;
}
