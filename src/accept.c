/* The listener: multishot accept, re-arming, backing off, closing. */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "loop.h"

/* After an error that the next accept is likely to meet too. Re-arming at once would spin on it. */
#define BACKOFF_MS 100

/* Of a socket with O_NONBLOCK (an adopted one may have it) the kernel does not wait for the next
 * connection, but fails with -EAGAIN. Then a poll does the waiting. */
static void
wait_until_readable(sea_loop_t *loop)
{
  struct io_uring_sqe *sqe = sea__ring_sqe(&loop->ring);
  if (sqe == NULL) {
    return;
  }
  io_uring_prep_poll_add(sqe, loop->listener.fd, POLLIN);
  sea__ring_start(&loop->ring, sqe, sea__ring_tag(SEA_OP_ACCEPT, 0));
  loop->listener.armed = true;
  loop->listener.waiting = true;
}

static void
arm(sea_loop_t *loop)
{
  if (loop->listener.blocked) {
    wait_until_readable(loop);
    return;
  }
  struct io_uring_sqe *sqe = sea__ring_sqe(&loop->ring);
  if (sqe == NULL) {
    return;
  }
  /* Not SOCK_NONBLOCK: on such sockets the ring's sends fail with -EAGAIN instead of waiting. */
  io_uring_prep_multishot_accept(sqe, loop->listener.fd, NULL, NULL, SOCK_CLOEXEC);
  sea__ring_start(&loop->ring, sqe, sea__ring_tag(SEA_OP_ACCEPT, 0));
  loop->listener.armed = true;
}

static void
cancel(sea_loop_t *loop)
{
  struct io_uring_sqe *sqe = sea__ring_sqe(&loop->ring);
  if (sqe == NULL) {
    return;
  }
  io_uring_prep_cancel64(sqe, sea__ring_tag(SEA_OP_ACCEPT, 0), 0);
  sea__ring_start(&loop->ring, sqe, sea__ring_tag(SEA_OP_CANCEL_LOOP, 0));
  loop->listener.cancelling = true;
}

void
sea__accept_close(sea_listener_t *listener)
{
  if (listener->path != NULL) {
    /* Before the close: afterwards the name could be another server's already. */
    (void)unlink(listener->path);
  }
  close(listener->fd);
  listener->fd = -1;
}

static void
finish(sea_loop_t *loop)
{
  sea_listener_t *listener = &loop->listener;
  sea__accept_close(listener);
  listener->announced = true;
  sea__loop_emit(loop, SEA_EVENT_LISTENER_CLOSED, NULL, listener->error);
}

/* Without a free entry in the ring it does nothing, and is called again in the next pass. */
void
sea__accept_service(sea_loop_t *loop)
{
  sea_listener_t *listener = &loop->listener;
  if (listener->wanted) {
    if (!listener->armed && listener->retry_ms <= loop->now_ms) {
      arm(loop);
    }
  } else if (listener->armed) {
    if (!listener->cancelling) {
      cancel(loop);
    }
  } else if (!listener->announced) {
    finish(loop);
  }
}

void
sea__accept_stop(sea_loop_t *loop)
{
  loop->listener.wanted = false;
}

static void
on_error(sea_loop_t *loop, int32_t error)
{
  sea_listener_t *listener = &loop->listener;
  switch (error) {
  case -ECONNABORTED:
  case -ECANCELED:
  case -EINTR:
    break; /* of one connection, or of none: the next may be fine */
  case -EAGAIN:
    listener->blocked = true;
    break;
  case -EBADF:
  case -EINVAL:
  case -ENOTSOCK:
  case -EOPNOTSUPP:
    /* Trying again would give the same for ever. */
    listener->error = error;
    listener->wanted = false;
    break;
  default: /* -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM, or what a policy or the network says */
    sea__stat_add(&loop->stats.accept_backoffs, 1);
    listener->retry_ms = loop->now_ms + BACKOFF_MS;
    break;
  }
}

void
sea__on_accept(sea_loop_t *loop, int32_t result, uint32_t flags)
{
  sea_listener_t *listener = &loop->listener;
  if (listener->waiting) {
    listener->armed = false;
    listener->cancelling = false;
    listener->waiting = false;
    listener->blocked = false;
    return;
  }
  if ((flags & IORING_CQE_F_MORE) == 0) {
    listener->armed = false;
    listener->cancelling = false;
    if (listener->wanted) {
      sea__stat_add(&loop->stats.multishot_rearms, 1);
    }
  }
  if (result < 0) {
    on_error(loop, result);
    return;
  }
  uint64_t active = sea__stat_get(&loop->stats.connections_active);
  bool full = loop->options.conns_max != 0 && active >= loop->options.conns_max;
  if (full || loop->stopping) {
    sea__stat_add(&loop->stats.connections_rejected, 1);
    close(result);
    return;
  }
  sea__conn_open(loop, result);
}
