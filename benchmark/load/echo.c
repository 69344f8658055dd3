/* Keep-alive echo. Closed loop: every connection keeps `pipeline` messages outstanding. With a
 * rate, open loop: messages become due at fixed times, on one connection after the other, whether
 * or not the ones before have come back, and their latency counts from the time they were due.
 *
 * A connection has one multishot receive and at most one send in flight; what became due meanwhile
 * goes out as one send. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "dial.h"
#include "modes.h"
#include "payload.h"
#include "ring.h"

#define NS_PER_S 1000000000u

enum { TAG_RECV = 1, TAG_SEND, TAG_DUE };

typedef struct {
  int fd;
  bool sending;
  uint64_t origin;      /* where in the payload stream this connection began */
  uint64_t started;     /* messages that became due */
  uint64_t done;        /* messages that came back whole */
  uint64_t sent;        /* bytes taken by the kernel */
  uint64_t received;    /* bytes */
  uint64_t next_done;   /* value of received at which the next message is whole */
  uint64_t *started_ns; /* per outstanding message, indexed by number modulo pipeline */
} echo_conn_t;

typedef struct {
  sea_run_t *run;
  const sea_load_options_t *options;
  sea_load_ring_t ring;
  sea_payload_t payload;
  echo_conn_t *conns;
  uint64_t *started_ns;
  uint64_t outstanding; /* messages, over all connections */
  /* With a rate: */
  uint64_t due_ns; /* when the next message is due */
  uint32_t due_on; /* on which connection */
  struct __kernel_timespec due_time;
} echo_t;

static uint32_t
index_of(const echo_t *echo, const echo_conn_t *conn)
{
  return (uint32_t)(conn - echo->conns);
}

static void
give_up(echo_t *echo, echo_conn_t *conn, const char *what, int error)
{
  if (conn->fd < 0) return;
  sea__run_error(echo->run, what, error);
  shutdown(conn->fd, SHUT_RDWR);
  close(conn->fd);
  conn->fd = -1;
  echo->outstanding -= conn->started - conn->done;
}

static void
arm_recv(echo_t *echo, echo_conn_t *conn)
{
  struct io_uring_sqe *sqe = sea__load_sqe(&echo->ring);
  io_uring_prep_recv_multishot(sqe, conn->fd, NULL, 0, 0);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = 0;
  sea__load_tag(sqe, TAG_RECV, index_of(echo, conn));
}

static void
send_due(echo_t *echo, echo_conn_t *conn)
{
  uint64_t due = conn->started * echo->options->size - conn->sent;
  if (conn->sending || due == 0) return;

  struct io_uring_sqe *sqe = sea__load_sqe(&echo->ring);
  const uint8_t *bytes = sea__payload_at(&echo->payload, conn->origin + conn->sent);
  io_uring_prep_send(sqe, conn->fd, bytes, (size_t)due, MSG_WAITALL | MSG_NOSIGNAL);
  sea__load_tag(sqe, TAG_SEND, index_of(echo, conn));
  conn->sending = true;
}

static void
start_message(echo_t *echo, echo_conn_t *conn, uint64_t started_ns)
{
  conn->started_ns[conn->started % echo->options->pipeline] = started_ns;
  conn->started++;
  echo->outstanding++;
}

static void
start_messages(echo_t *echo, echo_conn_t *conn)
{
  while (conn->started - conn->done < echo->options->pipeline) {
    start_message(echo, conn, echo->run->now_ns);
  }
}

static void
arm_due(echo_t *echo)
{
  struct io_uring_sqe *sqe = sea__load_sqe(&echo->ring);
  echo->due_time = (struct __kernel_timespec){.tv_sec = (int64_t)(echo->due_ns / NS_PER_S),
                                              .tv_nsec = (int64_t)(echo->due_ns % NS_PER_S)};
  io_uring_prep_timeout(sqe, &echo->due_time, 0, IORING_TIMEOUT_ABS);
  sea__load_tag(sqe, TAG_DUE, 0);
}

static void
on_due(echo_t *echo)
{
  const sea_load_options_t *options = echo->options;
  if (!sea__run_is_sending(echo->run)) return;
  for (; echo->due_ns <= echo->run->now_ns; echo->due_ns += NS_PER_S / options->rate) {
    echo_conn_t *conn = &echo->conns[echo->due_on];
    echo->due_on = (echo->due_on + 1) % options->connections;
    if (conn->fd < 0) continue;
    if (conn->started - conn->done == options->pipeline) {
      give_up(echo, conn, "the server is slower than the rate", 0);
      continue;
    }
    start_message(echo, conn, echo->due_ns);
    send_due(echo, conn);
  }
  arm_due(echo);
}

static void
finish_messages(echo_t *echo, echo_conn_t *conn)
{
  const uint32_t size = echo->options->size;
  while (conn->received >= conn->next_done) {
    uint64_t started_ns = conn->started_ns[conn->done % echo->options->pipeline];
    sea__run_complete(echo->run, started_ns, size);
    conn->next_done += size;
    conn->done++;
    echo->outstanding--;
  }
}

static void
on_data(echo_t *echo, echo_conn_t *conn, const uint8_t *bytes, uint32_t length)
{
  if (conn->received + length > conn->started * echo->options->size) {
    give_up(echo, conn, "more bytes came back than were sent", 0);
    return;
  }
  if (!sea__payload_matches(&echo->payload, conn->origin + conn->received, bytes, length)) {
    give_up(echo, conn, "the echo differs from what was sent", 0);
    return;
  }
  conn->received += length;
  finish_messages(echo, conn);
  if (!sea__run_is_sending(echo->run) || echo->options->rate > 0) return;
  start_messages(echo, conn);
  send_due(echo, conn);
}

static void
on_recv(echo_t *echo, echo_conn_t *conn, const struct io_uring_cqe *cqe)
{
  const bool has_buffer = cqe->flags & IORING_CQE_F_BUFFER;
  if (conn->fd >= 0) {
    if (cqe->res > 0) {
      on_data(echo, conn, sea__load_buffer_at(&echo->ring, cqe), (uint32_t)cqe->res);
    } else if (cqe->res == 0) {
      give_up(echo, conn, "the server closed a connection", 0);
    } else if (cqe->res != -ENOBUFS) {
      give_up(echo, conn, "recv", -cqe->res);
    }
  }
  if (has_buffer) sea__load_buffer_return(&echo->ring, cqe);
  /* Out of buffers, or the kernel ended the multishot: buffers are back by now, so go on. */
  if (!(cqe->flags & IORING_CQE_F_MORE) && conn->fd >= 0) arm_recv(echo, conn);
}

static void
on_send(echo_t *echo, echo_conn_t *conn, const struct io_uring_cqe *cqe)
{
  conn->sending = false;
  if (conn->fd < 0) return;
  if (cqe->res < 0) {
    give_up(echo, conn, "send", -cqe->res);
    return;
  }
  conn->sent += (uint32_t)cqe->res;
  send_due(echo, conn);
}

static void
on_cqe(void *context, uint32_t tag, uint32_t index, const struct io_uring_cqe *cqe)
{
  echo_t *echo = context;
  if (tag == TAG_RECV) {
    on_recv(echo, &echo->conns[index], cqe);
  } else if (tag == TAG_DUE) {
    on_due(echo);
  } else {
    on_send(echo, &echo->conns[index], cqe);
  }
}

static bool
is_drained(void *context)
{
  const echo_t *echo = context;
  return echo->outstanding == 0;
}

static int
open_all(echo_t *echo)
{
  for (uint32_t i = 0; i < echo->options->connections; i++) {
    echo_conn_t *conn = &echo->conns[i];
    conn->fd = sea__dial(echo->options);
    if (conn->fd < 0) return conn->fd;
    conn->origin = (uint64_t)i * 257u;
    conn->next_done = echo->options->size;
    conn->started_ns = echo->started_ns + (size_t)i * echo->options->pipeline;
  }
  return 0;
}

/* Large enough for all that one connection can have under way, within reason; small messages get
 * small buffers, which stay in the cache. */
static int
provide_buffers(echo_t *echo)
{
  const uint64_t outstanding = (uint64_t)echo->options->size * echo->options->pipeline;
  uint32_t size = 1024;
  uint32_t count = 64;
  while (size < outstanding && size < 32768)
    size <<= 1;
  while (count < 2 * echo->options->connections && count < 2048)
    count <<= 1;
  return sea__load_buffers_init(&echo->ring, count, size);
}

static int
prepare(echo_t *echo)
{
  const sea_load_options_t *options = echo->options;
  echo->conns = calloc(options->connections, sizeof(*echo->conns));
  echo->started_ns = calloc((size_t)options->connections * options->pipeline, sizeof(uint64_t));
  if (!echo->conns || !echo->started_ns) return -ENOMEM;

  int rc = sea__payload_init(&echo->payload, (size_t)options->size * options->pipeline);
  if (rc == 0) rc = sea__dial_allow_files(options->connections + 64);
  if (rc == 0) rc = open_all(echo);
  if (rc == 0) rc = sea__load_ring_init(&echo->ring, 2 * options->connections + 1);
  if (rc == 0) rc = provide_buffers(echo);
  return rc;
}

static void
release(echo_t *echo)
{
  sea__load_ring_deinit(&echo->ring);
  for (uint32_t i = 0; echo->conns && i < echo->options->connections; i++) {
    if (echo->conns[i].fd > 0) close(echo->conns[i].fd);
  }
  sea__payload_deinit(&echo->payload);
  free(echo->started_ns);
  free(echo->conns);
}

static void
run_loop(echo_t *echo)
{
  const sea_load_handler_t handler = {echo, on_cqe, is_drained};

  sea__run_start(echo->run, echo->options);
  sea__run_announce(echo->run, "open");
  for (uint32_t i = 0; i < echo->options->connections; i++) {
    arm_recv(echo, &echo->conns[i]);
    if (echo->options->rate > 0) continue;
    start_messages(echo, &echo->conns[i]);
    send_due(echo, &echo->conns[i]);
  }
  echo->due_ns = echo->run->now_ns;
  if (echo->options->rate > 0) arm_due(echo);
  sea__load_loop(&echo->ring, echo->run, &handler);
}

int
sea__load_echo(sea_run_t *run, const sea_load_options_t *options)
{
  echo_t echo = {.run = run, .options = options};

  int rc = prepare(&echo);
  if (rc == 0) run_loop(&echo);
  release(&echo);
  return rc;
}
