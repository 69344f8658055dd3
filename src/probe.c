/* Finds out what the kernel offers by using it: every feature is tried on a small ring, with
 * sockets that belong to the probe. Version numbers say little: vendors backport, sandboxes forbid.
 */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bufring.h"
#include "clock.h"
#include "compat.h"
#include "deferred.h"
#include "patience.h"
#include "sea.h"
#include "sock.h"

#define PROBE_TIMEOUT_S 5 /* only a broken kernel lets the probe wait at all */
#define PROBE_ATTEMPTS 16
#define PROBE_RESET_MS 1000
#define PROBE_CONNECT_MS 500
#define PROBE_ACCEPT 1 /* user_data of the accept; nothing else on its ring has one */

int
sea__probe_ring(struct io_uring *ring, uint32_t flags)
{
  int error;
  uint32_t patience = SEA_PATIENCE;
  do {
    error = io_uring_queue_init(SEA_PROBE_ENTRIES, ring, flags);
  } while (sea__try_again(error, &patience));
  return error;
}

static int
try_flags(uint32_t flags)
{
  struct io_uring ring;
  int error = sea__probe_ring(&ring, flags);
  if (error == 0) {
    io_uring_queue_exit(&ring);
  }
  return error;
}

static bool
is_passing(int error)
{
  return error == -EINTR || error == -EAGAIN || error == -EBUSY;
}

/* Submits what is prepared and takes one completion. A signal or a moment without memory must not
 * end it: the entry would be there still, and its completion be taken for that of the next. */
static int
take(struct io_uring *ring, struct io_uring_cqe *taken)
{
  struct io_uring_cqe *cqe = NULL;
  struct __kernel_timespec ts = {.tv_sec = PROBE_TIMEOUT_S};
  int error = -EAGAIN;
  for (int i = 0; i < PROBE_ATTEMPTS && is_passing(error); i++) {
    error = io_uring_submit_and_wait_timeout(ring, &cqe, 1, &ts, NULL);
  }
  if (error < 0 || cqe == NULL) {
    return error < 0 ? error : -ETIME;
  }
  *taken = *cqe;
  io_uring_cqe_seen(ring, cqe);
  return 0;
}

int
sea__probe_complete(struct io_uring *ring, int32_t *result, uint32_t *flags)
{
  struct io_uring_cqe cqe;
  int error = take(ring, &cqe);
  if (error < 0) {
    return error;
  }
  *result = cqe.res;
  *flags = cqe.flags;
  return 0;
}

bool
sea__probe_wait(int fd, short events, int ms)
{
  struct pollfd look = {.fd = fd, .events = events};
  uint64_t end = sea__clock_ms() + (uint64_t)ms;
  uint64_t now = end - (uint64_t)ms;
  int ready;
  do { /* a ring's work interrupts it too */
    ready = poll(&look, 1, (int)(end - now));
    now = sea__clock_ms();
  } while (ready < 0 && errno == EINTR && now < end);
  return ready == 1;
}

/* A loopback that drops what is sent must not hold up who asks. The socket blocks afterwards. */
static int
connect_soon(int fd, const struct sockaddr *address, socklen_t len)
{
  int error = connect(fd, address, len) == 0 ? 0 : -errno;
  if (error == -EINPROGRESS && sea__probe_wait(fd, POLLOUT, PROBE_CONNECT_MS)) {
    int found = 0;
    socklen_t size = sizeof found;
    error = getsockopt(fd, SOL_SOCKET, SO_ERROR, &found, &size) < 0 ? -errno : -found;
  } else if (error == -EINPROGRESS) {
    error = -ETIMEDOUT;
  }
  return error == 0 && fcntl(fd, F_SETFL, 0) < 0 ? -errno : error;
}

/* Ends of a connection that waits to be accepted: a client, and its listener. None on error. */
static int
offer_connection(int family, int ends[2])
{
  struct sockaddr_storage address = {.ss_family = (sa_family_t)family};
  socklen_t len = sizeof address.ss_family; /* of AF_UNIX: the kernel picks an abstract name */
  if (family == AF_INET) {
    ((struct sockaddr_in *)&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    len = sizeof(struct sockaddr_in);
  }
  ends[0] = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  ends[1] = ends[0] < 0 ? -1 : socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool listens = ends[1] >= 0 && bind(ends[1], (struct sockaddr *)&address, len) == 0 &&
                 listen(ends[1], 1) == 0;
  len = sizeof address;
  int error = listens && getsockname(ends[1], (struct sockaddr *)&address, &len) == 0
                  ? connect_soon(ends[0], (struct sockaddr *)&address, len)
                  : -errno;
  if (error == 0) {
    return 0;
  }
  close(ends[0]);
  close(ends[1]);
  ends[0] = ends[1] =
      -1; /* who closes them again must not hit what somebody else opens meanwhile */
  return error;
}

int
sea__probe_tcp_pair(int pair[2])
{
  int error = offer_connection(AF_INET, pair);
  if (error < 0) {
    return error;
  }
  int listener = pair[1];
  pair[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (pair[1] < 0) {
    error = -errno;
    close(pair[0]);
    pair[0] = -1;
  }
  close(listener);
  return error;
}

int
sea__probe_pair(int pair[2])
{
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0) {
    return 0;
  }
  return sea__probe_tcp_pair(pair); /* Unix sockets may be forbidden */
}

int
sea__probe_enter(struct io_uring *ring)
{
  int32_t result;
  uint32_t flags;
  io_uring_prep_nop(io_uring_get_sqe(ring));
  int error = sea__probe_complete(ring, &result, &flags);
  return error < 0 ? error : result;
}

/* Has to be the last on its ring: the request stays armed, and where it took the last descriptor
 * there is, it ends with a completion that would be taken for that of the next. */
static int
accept_on(struct io_uring *ring, int listener)
{
  struct io_uring_cqe cqe = {0};
  int error = 0;
  struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
  io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, SOCK_CLOEXEC);
  io_uring_sqe_set_data64(sqe, PROBE_ACCEPT);
  while (error == 0 && cqe.user_data != PROBE_ACCEPT) { /* what was cancelled may end only now */
    error = take(ring, &cqe);
  }
  if (error < 0 || cqe.res < 0) {
    return error < 0 ? error : cqe.res;
  }
  close(cqe.res);
  return cqe.flags & IORING_CQE_F_MORE ? 0 : -EOPNOTSUPP;
}

static int
try_accept(struct io_uring *ring)
{
  int ends[2];
  int error = offer_connection(AF_INET, ends);
  if (error < 0 && offer_connection(AF_UNIX, ends) == 0) { /* there may be no loopback */
    error = 0;
  }
  if (error == 0) {
    error = accept_on(ring, ends[1]);
    close(ends[0]);
    close(ends[1]);
  }
  return error;
}

static int
try_cancel(struct io_uring *ring, int fd)
{
  int32_t result;
  uint32_t flags;
  struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
  io_uring_prep_cancel_fd(sqe, fd, IORING_ASYNC_CANCEL_ALL);
  int error = sea__probe_complete(ring, &result, &flags);
  if (error == 0 && result == -ECANCELED) {
    error = sea__probe_complete(ring, &result, &flags); /* the cancelled one came first */
  }
  if (error < 0) {
    return error;
  }
  return result < 0 && result != -ENOENT && result != -EALREADY ? result : 0;
}

/* Arms a multishot receive for bytes that are there. */
static int
arm(struct io_uring *ring, const int pair[2], int32_t bytes, uint16_t how)
{
  static const char zeros[SEA_PROBE_BUFFERS * SEA_PROBE_BUFFER_SIZE];
  ssize_t sent = send(pair[0], zeros, (size_t)bytes, MSG_NOSIGNAL);
  if (sent != bytes) {
    return sent < 0 ? -errno : -EIO;
  }
  struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
  io_uring_prep_recv_multishot(sqe, pair[1], NULL, 0, 0);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = SEA_BUFFER_GROUP;
  sqe->ioprio |= how;
  return 0;
}

/* Receives a byte. The CQE has to stay armed, and to have these flags. */
static int
try_receive(struct io_uring *ring, const int pair[2], uint32_t wanted)
{
  int32_t result;
  uint32_t flags;
  int error = arm(ring, pair, 1, 0);
  if (error < 0) {
    return error;
  }
  error = sea__probe_complete(ring, &result, &flags);
  if (error < 0 || result < 0) {
    return error < 0 ? error : result;
  }
  wanted |= IORING_CQE_F_MORE;
  return result == 1 && (flags & wanted) == wanted ? 0 : -EOPNOTSUPP;
}

/* Receives what fills every buffer. Kernels that do not know yet how much there is fill only one
 * buffer at first (seen on 6.12), and then several. */
static int
try_bundle(struct io_uring *ring, const int pair[2])
{
  int32_t result = 0;
  uint32_t flags = 0;
  int error = arm(ring, pair, SEA_PROBE_BUFFERS * SEA_PROBE_BUFFER_SIZE,
                  SEA_IORING_RECVSEND_BUNDLE);
  for (int i = 0; i < SEA_PROBE_BUFFERS && error == 0; i++) {
    error = sea__probe_complete(ring, &result, &flags);
    if (error < 0 || result < 0) {
      return error < 0 ? error : result;
    }
    if (result > SEA_PROBE_BUFFER_SIZE) {
      return 0;
    }
    error = flags & IORING_CQE_F_MORE ? 0 : -EOPNOTSUPP;
  }
  return error < 0 ? error : -EOPNOTSUPP;
}

static void
try_recv_and_cancel(struct io_uring *ring, sea_features_t *features)
{
  int pair[2];
  int error = sea__probe_pair(pair);
  if (error < 0) {
    features->multishot_recv = features->cancel_fd = error;
    return;
  }
  features->multishot_recv = try_receive(ring, pair, 0);
  features->cancel_fd = try_cancel(ring, pair[1]);
  close(pair[0]);
  close(pair[1]);
}

/* A ring of buffers that are filled that way. */
static int
try_filling(sea_filling_t filling)
{
  sea_ring_t ring = {0};
  sea_bufring_t buffers = {0};
  int pair[2] = {-1, -1};
  int error = sea__probe_ring(&ring.uring, 0);
  if (error < 0) {
    return error;
  }
  error = sea__bufring_init(&buffers, &ring, SEA_PROBE_BUFFERS, SEA_PROBE_BUFFER_SIZE, filling);
  if (error == 0) {
    /* Some kernels cannot tell how much a Unix socket has, and then fill one buffer at a time. */
    error = sea__probe_tcp_pair(pair);
  }
  if (error < 0 && buffers.ring != NULL) {
    error = sea__probe_pair(pair); /* there may be no loopback */
  }
  if (error == 0 && filling == SEA_FILL_BUNDLES) {
    error = try_bundle(&ring.uring, pair);
  } else if (error == 0) {
    error = try_receive(&ring.uring, pair, SEA_IORING_CQE_F_BUF_MORE);
  }
  close(pair[0]);
  close(pair[1]);
  io_uring_queue_exit(&ring.uring);
  sea__bufring_deinit(&buffers);
  return error;
}

/* A byte, and the reset that comes before anybody looks at the byte. */
static bool
send_and_reset(int pair[2])
{
  struct pollfd reset = {.fd = pair[1]};
  bool sent = send(pair[0], "x", 1, MSG_NOSIGNAL) == 1;
  sea__sock_set_reset(pair[0]);
  close(pair[0]);
  pair[0] = -1;
  return sent && poll(&reset, 1, PROBE_RESET_MS) == 1;
}

/* The ring leaves what happens to the next enter, where a multishot finds both. One that tells of
 * the byte alone is not woken again. */
static int
see_reset(struct io_uring *ring, int pair[2])
{
  int32_t result;
  uint32_t flags;
  struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
  io_uring_prep_recv_multishot(sqe, pair[1], NULL, 0, 0);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = SEA_BUFFER_GROUP;
  int error = io_uring_submit(ring) == 1 && send_and_reset(pair) ? 0 : -EIO;
  if (error == 0) {
    error = sea__probe_complete(ring, &result, &flags);
  }
  if (error < 0) {
    return error;
  }
  /* First the byte: a reset that has overtaken it proves nothing. Then what was there with it, or
   * the answer of the NOP. */
  return result == 1 && sea__probe_enter(ring) == -ECONNRESET ? 0 : -EIO;
}

static int
try_recv_end(void)
{
  sea_ring_t ring = {0};
  sea_bufring_t buffers = {0};
  int pair[2] = {-1, -1};
  int error = sea__probe_ring(&ring.uring, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
  if (error < 0) {
    return error == -EINVAL ? 0 : error; /* older than what there is to find */
  }
  error = sea__bufring_init(&buffers, &ring, SEA_PROBE_BUFFERS, SEA_PROBE_BUFFER_SIZE,
                            SEA_FILL_WHOLE);
  if (error == 0) {
    error = sea__probe_tcp_pair(pair);
  }
  if (error == 0) {
    error = see_reset(&ring.uring, pair);
  }
  close(pair[0]);
  close(pair[1]);
  io_uring_queue_exit(&ring.uring);
  sea__bufring_deinit(&buffers);
  return error;
}

/* Over TCP, as servers use it: not every kind of socket has it. */
static int
try_send_zero_copy(struct io_uring *ring)
{
  int pair[2];
  int32_t result;
  uint32_t flags;
  int error = sea__probe_tcp_pair(pair);
  if (error < 0) {
    return error;
  }
  struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
  io_uring_prep_send_zc(sqe, pair[0], "x", 1, MSG_NOSIGNAL, 0);
  error = sea__probe_complete(ring, &result, &flags);
  if (error == 0 && (flags & IORING_CQE_F_MORE)) {
    int32_t notified;
    error = sea__probe_complete(ring, &notified, &flags);
  }
  close(pair[0]);
  close(pair[1]);
  if (error < 0) {
    return error;
  }
  return result < 0 ? result : 0;
}

static void
try_operations(sea_features_t *features)
{
  sea_ring_t ring = {0};
  sea_bufring_t buffers;
  features->ring = sea__probe_ring(&ring.uring, 0);
  if (features->ring < 0) {
    return;
  }
  features->ring = sea__probe_enter(&ring.uring);
  int registered = io_uring_register_ring_fd(&ring.uring);
  features->registered_ring = registered < 0 ? registered : 0;
  uint32_t patience = SEA_PATIENCE;
  do {
    features->send_zero_copy = try_send_zero_copy(&ring.uring);
  } while (sea__try_again(features->send_zero_copy, &patience));
  features->buffer_ring = sea__bufring_init(&buffers, &ring, SEA_PROBE_BUFFERS,
                                            SEA_PROBE_BUFFER_SIZE, SEA_FILL_WHOLE);
  if (features->buffer_ring == 0) {
    try_recv_and_cancel(&ring.uring, features);
  } else {
    features->multishot_recv = features->cancel_fd = features->buffer_ring;
  }
  features->multishot_accept = try_accept(&ring.uring);
  io_uring_queue_exit(&ring.uring);
  if (features->buffer_ring == 0) {
    sea__bufring_deinit(&buffers);
  }
}

static int
verdict(const sea_features_t *features, const char **stage)
{
  const struct {
    const char *name;
    int error;
  } needed[] = {
      {"io_uring_setup", features->ring},
      {"provided buffer ring", features->buffer_ring},
      {"multishot accept", features->multishot_accept},
      {"multishot receive", features->multishot_recv},
      {"cancel by file", features->cancel_fd},
  };
  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
    if (needed[i].error < 0) {
      *stage = needed[i].name;
      return needed[i].error;
    }
  }
  *stage = NULL;
  return 0;
}

/* Without a ring there is nothing to try. */
static void
fill(sea_features_t *features, int error)
{
  features->ring = features->submit_all = features->coop_taskrun = features->single_issuer =
      features->defer_taskrun = features->registered_ring = features->buffer_ring =
          features->multishot_accept = features->multishot_recv = features->cancel_fd =
              features->send_zero_copy = features->recv_bundles = features->incremental_buffers =
                  features->recv_end = features->defer_wakes = error;
}

int
sea_probe(sea_features_t *features, const char **stage)
{
  fill(features, 0);
  try_operations(features);
  if (features->ring < 0) {
    fill(features, features->ring);
    return verdict(features, stage);
  }
  int error = verdict(features, stage);
  if (error == -ENOMEM) { /* then each of the others would be waited for in vain */
    features->submit_all = features->coop_taskrun = features->single_issuer =
        features->defer_taskrun = features->recv_bundles = features->incremental_buffers =
            features->recv_end = features->defer_wakes = error;
    return error;
  }
  features->recv_bundles = try_filling(SEA_FILL_BUNDLES);
  features->incremental_buffers = try_filling(SEA_FILL_INCREMENTAL);
  features->recv_end = try_recv_end();
  features->defer_wakes = sea__deferred_work_wakes(0) ? 0 : -EIO;
  features->submit_all = try_flags(IORING_SETUP_SUBMIT_ALL);
  features->coop_taskrun = try_flags(IORING_SETUP_COOP_TASKRUN);
  features->single_issuer = try_flags(IORING_SETUP_SINGLE_ISSUER);
  features->defer_taskrun = try_flags(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
  return error;
}
