/* Closed loop: every connection keeps `pipeline` messages outstanding. With a rate, open loop:
 * messages become due at fixed times, on one connection after the other, whether or not the ones
 * before have come back, and their latency counts from the time they were due.
 *
 * A connection has one multishot receive and at most one send in flight; what became due meanwhile
 * goes out as one send. */
#include "exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dial.h"
#include "ring.h"

#define NS_PER_S 1000000000u

enum { TAG_RECV = 1, TAG_SEND, TAG_DUE };

typedef struct {
  int fd;
  bool sending;
  uint64_t started;     /* messages that became due */
  uint64_t done;        /* messages that were answered whole */
  uint64_t sent;        /* bytes taken by the kernel */
  uint64_t *started_ns; /* per outstanding message, indexed by number modulo pipeline */
} caller_t;

typedef struct {
  sea_run_t *run;
  const sea_load_options_t *options;
  const sea_exchange_t *exchange;
  sea_load_ring_t ring;
  caller_t *callers;
  uint64_t *started_ns;
  uint64_t outstanding; /* messages, over all connections */
  /* With a rate: */
  uint64_t begin_ns;
  uint64_t due_ns;    /* when the next message is due */
  uint64_t due_count; /* those that were due before */
  struct __kernel_timespec due_time;
} calls_t;

static uint32_t
index_of(const calls_t *calls, const caller_t *caller)
{
  return (uint32_t)(caller - calls->callers);
}

static void
give_up(calls_t *calls, caller_t *caller, const char *what, int error)
{
  if (caller->fd < 0) return;
  sea__run_error(calls->run, what, error);
  shutdown(caller->fd, SHUT_RDWR);
  close(caller->fd);
  caller->fd = -1;
  calls->outstanding -= caller->started - caller->done;
}

static void
arm_recv(calls_t *calls, caller_t *caller)
{
  struct io_uring_sqe *sqe = sea__load_sqe(&calls->ring);
  io_uring_prep_recv_multishot(sqe, caller->fd, NULL, 0, 0);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = 0;
  sea__load_tag(sqe, TAG_RECV, index_of(calls, caller));
}

static void
send_due(calls_t *calls, caller_t *caller)
{
  const sea_exchange_t *exchange = calls->exchange;
  const uint64_t due = caller->started * exchange->request_bytes - caller->sent;
  const uint32_t index = index_of(calls, caller);
  if (caller->sending || due == 0) return;

  struct io_uring_sqe *sqe = sea__load_sqe(&calls->ring);
  const uint8_t *bytes = exchange->request_at(exchange->context, index, caller->sent);
  io_uring_prep_send(sqe, caller->fd, bytes, (size_t)due, MSG_WAITALL | MSG_NOSIGNAL);
  sea__load_tag(sqe, TAG_SEND, index);
  caller->sending = true;
}

static void
start_message(calls_t *calls, caller_t *caller, uint64_t started_ns)
{
  caller->started_ns[caller->started % calls->options->pipeline] = started_ns;
  caller->started++;
  calls->outstanding++;
}

static void
start_messages(calls_t *calls, caller_t *caller)
{
  while (caller->started - caller->done < calls->options->pipeline) {
    start_message(calls, caller, calls->run->now_ns);
  }
}

static void
arm_due(calls_t *calls)
{
  struct io_uring_sqe *sqe = sea__load_sqe(&calls->ring);
  calls->due_time = (struct __kernel_timespec){.tv_sec = (int64_t)(calls->due_ns / NS_PER_S),
                                               .tv_nsec = (int64_t)(calls->due_ns % NS_PER_S)};
  io_uring_prep_timeout(sqe, &calls->due_time, 0, IORING_TIMEOUT_ABS);
  sea__load_tag(sqe, TAG_DUE, 0);
}

static void
start_due(calls_t *calls, caller_t *caller)
{
  if (caller->fd < 0) return;
  if (caller->started - caller->done == calls->options->pipeline) {
    give_up(calls, caller, "the server is slower than the rate", 0);
    return;
  }
  start_message(calls, caller, calls->due_ns);
  send_due(calls, caller);
}

static void
on_due(calls_t *calls)
{
  const sea_load_options_t *options = calls->options;
  if (!sea__run_is_sending(calls->run)) return;
  while (calls->due_ns <= calls->run->now_ns) {
    start_due(calls, &calls->callers[calls->due_count % options->connections]);
    calls->due_count++;
    calls->due_ns = calls->begin_ns + calls->due_count * NS_PER_S / options->rate;
  }
  arm_due(calls);
}

static void
on_data(calls_t *calls, caller_t *caller, const uint8_t *bytes, uint32_t length)
{
  const sea_exchange_t *exchange = calls->exchange;
  const uint32_t index = index_of(calls, caller);
  const char *what = NULL;
  const int replies = exchange->on_data(exchange->context, index, bytes, length, &what);
  if (replies < 0) {
    give_up(calls, caller, what, 0);
    return;
  }
  const uint64_t open = caller->started - caller->done;
  const uint64_t done = (uint64_t)replies;
  if (done > open || (done == open && exchange->is_amid(exchange->context, index))) {
    give_up(calls, caller, "more came back than was asked for", 0);
    return;
  }
  sea__run_received(calls->run, length);
  for (uint64_t i = 0; i < done; i++) {
    sea__run_complete(calls->run, caller->started_ns[caller->done % calls->options->pipeline]);
    caller->done++;
  }
  calls->outstanding -= done;
  if (!sea__run_is_sending(calls->run) || calls->options->rate > 0) return;
  start_messages(calls, caller);
  send_due(calls, caller);
}

static void
on_recv(calls_t *calls, caller_t *caller, const struct io_uring_cqe *cqe)
{
  const bool has_buffer = cqe->flags & IORING_CQE_F_BUFFER;
  if (caller->fd >= 0) {
    if (cqe->res > 0) {
      on_data(calls, caller, sea__load_buffer_at(&calls->ring, cqe), (uint32_t)cqe->res);
    } else if (cqe->res == 0) {
      give_up(calls, caller, "the server closed a connection", 0);
    } else if (cqe->res != -ENOBUFS) {
      give_up(calls, caller, "recv", -cqe->res);
    }
  }
  if (has_buffer) sea__load_buffer_return(&calls->ring, cqe);
  /* Out of buffers, or the kernel ended the multishot: buffers are back by now, so go on. */
  if (!(cqe->flags & IORING_CQE_F_MORE) && caller->fd >= 0) arm_recv(calls, caller);
}

static void
on_send(calls_t *calls, caller_t *caller, const struct io_uring_cqe *cqe)
{
  caller->sending = false;
  if (caller->fd < 0) return;
  if (cqe->res < 0) {
    give_up(calls, caller, "send", -cqe->res);
    return;
  }
  caller->sent += (uint32_t)cqe->res;
  send_due(calls, caller);
}

static void
on_cqe(void *context, uint32_t tag, uint32_t index, const struct io_uring_cqe *cqe)
{
  calls_t *calls = context;
  if (tag == TAG_RECV) {
    on_recv(calls, &calls->callers[index], cqe);
  } else if (tag == TAG_DUE) {
    on_due(calls);
  } else {
    on_send(calls, &calls->callers[index], cqe);
  }
}

static bool
is_drained(void *context)
{
  const calls_t *calls = context;
  return calls->outstanding == 0;
}

static int
open_all(calls_t *calls)
{
  for (uint32_t i = 0; i < calls->options->connections; i++) {
    caller_t *caller = &calls->callers[i];
    caller->fd = sea__dial(calls->options);
    if (caller->fd < 0) return caller->fd;
    caller->started_ns = calls->started_ns + (size_t)i * calls->options->pipeline;
  }
  return 0;
}

/* Large enough for all that one connection can have under way, within reason; small messages get
 * small buffers, which stay in the cache. */
static int
provide_buffers(calls_t *calls)
{
  const uint64_t outstanding = calls->exchange->reply_bytes * calls->options->pipeline;
  uint32_t size = 1024;
  uint32_t count = 64;
  while (size < outstanding && size < 32768)
    size <<= 1;
  while (count < 2 * calls->options->connections && count < 2048)
    count <<= 1;
  return sea__load_buffers_init(&calls->ring, count, size);
}

static int
prepare(calls_t *calls)
{
  const sea_load_options_t *options = calls->options;
  calls->callers = calloc(options->connections, sizeof(*calls->callers));
  calls->started_ns = calloc((size_t)options->connections * options->pipeline, sizeof(uint64_t));
  if (!calls->callers || !calls->started_ns) return -ENOMEM;

  int rc = sea__dial_allow_files(options->connections + 64);
  if (rc == 0) rc = open_all(calls);
  if (rc == 0) rc = sea__load_ring_init(&calls->ring, 2 * options->connections + 1);
  if (rc == 0) rc = provide_buffers(calls);
  return rc;
}

static void
release(calls_t *calls)
{
  sea__load_ring_deinit(&calls->ring);
  for (uint32_t i = 0; calls->callers && i < calls->options->connections; i++) {
    if (calls->callers[i].fd > 0) close(calls->callers[i].fd);
  }
  free(calls->started_ns);
  free(calls->callers);
}

static void
run_loop(calls_t *calls)
{
  const sea_load_handler_t handler = {calls, on_cqe, is_drained};

  sea__run_start(calls->run);
  sea__run_announce(calls->run, "open");
  for (uint32_t i = 0; i < calls->options->connections; i++) {
    arm_recv(calls, &calls->callers[i]);
    if (calls->options->rate > 0) continue;
    start_messages(calls, &calls->callers[i]);
    send_due(calls, &calls->callers[i]);
  }
  calls->begin_ns = calls->run->now_ns;
  calls->due_ns = calls->begin_ns;
  if (calls->options->rate > 0) arm_due(calls);
  sea__load_loop(&calls->ring, calls->run, &handler);
}

int
sea__exchange_run(sea_run_t *run, const sea_load_options_t *options, const sea_exchange_t *exchange)
{
  calls_t calls = {.run = run, .options = options, .exchange = exchange};

  int rc = prepare(&calls);
  if (rc == 0) run_loop(&calls);
  release(&calls);
  return rc;
}
