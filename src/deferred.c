/* One receive that two bytes wake one after the other: the first completes nothing. */
#include "deferred.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probe.h"

#define FLAGS (IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG)

static bool
wakes(struct io_uring *ring, int fd, const int pair[2], char bytes[2], int ms)
{
  uint64_t count;
  io_uring_prep_recv(io_uring_get_sqe(ring), pair[1], bytes, 2, MSG_WAITALL);
  if (io_uring_submit(ring) != 1 || send(pair[0], "x", 1, MSG_NOSIGNAL) != 1) {
    return false;
  }
  if (!sea__probe_wait(fd, POLLIN, ms) || read(fd, &count, sizeof count) < 0) {
    return false;
  }
  io_uring_submit_and_get_events(ring);
  if (send(pair[0], "x", 1, MSG_NOSIGNAL) != 1) {
    return false;
  }
  bool answer = sea__probe_wait(fd, POLLIN, ms);
  io_uring_submit_and_get_events(ring);
  return answer;
}

bool
sea__deferred_work_wakes(int ms)
{
  struct io_uring ring;
  bool answer = false; /* where it cannot be tried: to do without costs little */
  int pair[2] = {-1, -1};
  char bytes[2]; /* the ring's until it is no more */
  int error = sea__probe_ring(&ring, FLAGS);
  if (error < 0) {
    return error == -EINVAL; /* older than deferring */
  }
  int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd >= 0 && sea__probe_pair(pair) == 0 && io_uring_register_eventfd(&ring, fd) == 0) {
    answer = wakes(&ring, fd, pair, bytes, ms);
  }
  io_uring_queue_exit(&ring);
  close(pair[0]);
  close(pair[1]);
  close(fd);
  return answer;
}
