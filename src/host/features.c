/* The io_uring features that no server needs to start, each tried on a ring and sockets of its own.
 * sea_probe() tries the others. */
#include <errno.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../bufring.h"
#include "../compat.h"
#include "../patience.h"
#include "../probe.h"
#include "host.h"

#define PAGE 4096

static int
first_error(int error, int32_t result)
{
  return error < 0 ? error : result < 0 ? result : 0;
}

/* Runs one probe on a ring with these flags, again while locked memory is missing: so often at
 * most. */
static int
on_ring_again(uint32_t flags, int (*probe)(struct io_uring *ring), uint32_t times)
{
  struct io_uring ring;
  int error = sea__probe_ring(&ring, flags);
  if (error < 0) {
    return error;
  }
  do {
    error = probe(&ring);
  } while (sea__try_again(error, &times));
  io_uring_queue_exit(&ring);
  return error;
}

static int
on_ring(uint32_t flags, int (*probe)(struct io_uring *ring))
{
  return on_ring_again(flags, probe, 0);
}

/* The result of a zero-copy send, after its notification, if there is one. */
static int
zero_copy_answer(struct io_uring *ring)
{
  int32_t result;
  int32_t notified;
  uint32_t flags;
  int error = sea__probe_complete(ring, &result, &flags);
  if (error == 0 && (flags & IORING_CQE_F_MORE)) {
    error = sea__probe_complete(ring, &notified, &flags);
  }
  return first_error(error, result);
}

static int
send_message(struct io_uring *ring)
{
  char byte = 'x';
  struct iovec part = {.iov_base = &byte, .iov_len = 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  int pair[2];
  int error = sea__probe_tcp_pair(pair);
  if (error < 0) {
    return error;
  }
  io_uring_prep_sendmsg_zc(io_uring_get_sqe(ring), pair[0], &message, MSG_NOSIGNAL);
  error = zero_copy_answer(ring);
  close(pair[0]);
  close(pair[1]);
  return error;
}

static int
send_registered(struct io_uring *ring)
{
  /* Memory of its own: older kernels register none that has a file behind it. */
  void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct iovec part = {.iov_base = page, .iov_len = PAGE};
  int pair[2];
  if (page == MAP_FAILED) {
    return -ENOMEM;
  }
  int error = sea__probe_tcp_pair(pair);
  if (error == 0) {
    error = io_uring_register_buffers(ring, &part, 1);
    if (error == 0) {
      struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
      io_uring_prep_send_zc_fixed(sqe, pair[0], page, PAGE, MSG_NOSIGNAL, 0, 0);
      error = zero_copy_answer(ring);
      (void)io_uring_unregister_buffers(ring); /* there may be one more try */
    }
    close(pair[0]);
    close(pair[1]);
  }
  munmap(page, PAGE);
  return error;
}

/* One send takes all the buffers of a group. */
static int
send_bundle(sea_ring_t *ring, int fd)
{
  int32_t result;
  uint32_t flags;
  struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);
  io_uring_prep_send(sqe, fd, NULL, 0, MSG_NOSIGNAL);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = SEA_BUFFER_GROUP;
  sqe->ioprio |= SEA_IORING_RECVSEND_BUNDLE;
  int error = sea__probe_complete(&ring->uring, &result, &flags);
  if (error < 0 || result < 0) {
    return first_error(error, result);
  }
  return result == SEA_PROBE_BUFFERS * SEA_PROBE_BUFFER_SIZE ? 0 : -EOPNOTSUPP;
}

static int
try_send_bundles(void)
{
  sea_ring_t ring = {0};
  sea_bufring_t buffers = {0};
  int pair[2];
  int error = sea__probe_pair(pair);
  if (error < 0) {
    return error;
  }
  error = sea__probe_ring(&ring.uring, 0);
  if (error == 0) {
    error = sea__bufring_init(&buffers, &ring, SEA_PROBE_BUFFERS, SEA_PROBE_BUFFER_SIZE,
                              SEA_FILL_WHOLE);
    if (error == 0) {
      error = send_bundle(&ring, pair[0]);
    }
    io_uring_queue_exit(&ring.uring);
    sea__bufring_deinit(&buffers);
  }
  close(pair[0]);
  close(pair[1]);
  return error;
}

static int
register_napi(struct io_uring *ring)
{
  sea_uapi_napi_t napi = {.busy_poll_us = 1};
  long result = syscall(__NR_io_uring_register, ring->ring_fd, SEA_IORING_REGISTER_NAPI, &napi, 1);
  if (result < 0) {
    return -errno;
  }
  napi = (sea_uapi_napi_t){0};
  result = syscall(__NR_io_uring_register, ring->ring_fd, SEA_IORING_UNREGISTER_NAPI, &napi, 1);
  return result < 0 ? -errno : 0;
}

static int
message_ring(struct io_uring *ring)
{
  struct io_uring target;
  int32_t result;
  uint32_t flags;
  int error = sea__probe_ring(&target, 0);
  if (error < 0) {
    return error;
  }
  io_uring_prep_msg_ring(io_uring_get_sqe(ring), target.ring_fd, 7, 0, 0);
  error = sea__probe_complete(ring, &result, &flags);
  error = first_error(error, result);
  if (error == 0) {
    error = sea__probe_complete(&target, &result, &flags);
    error = error == 0 && result != 7 ? -EOPNOTSUPP : error;
  }
  io_uring_queue_exit(&target);
  return error;
}

static void
prepare_futex(struct io_uring *ring, uint8_t op, uint32_t *word, uint64_t value)
{
  struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
  io_uring_prep_rw(op, sqe, SEA_FUTEX2_SIZE_U32 | SEA_FUTEX2_PRIVATE, word, 0, value);
  sqe->addr3 = FUTEX_BITSET_MATCH_ANY;
}

/* Waits on a word, and wakes the waiter. */
static int
wait_on_futex(struct io_uring *ring)
{
  uint32_t word = 0;
  int32_t result;
  uint32_t flags;
  prepare_futex(ring, SEA_IORING_OP_FUTEX_WAIT, &word, 0);
  prepare_futex(ring, SEA_IORING_OP_FUTEX_WAKE, &word, 1);
  int error = sea__probe_complete(ring, &result, &flags);
  error = first_error(error, result);
  int32_t second;
  int other = sea__probe_complete(ring, &second, &flags);
  return error < 0 ? error : first_error(other, second);
}

/* The registration goes as far as looking for a device, and there is none with the number 0. */
static int
try_zero_copy_receive(void)
{
  const char *stage;
  int error = sea_host_zcrx(0, 0, 0, &stage);
  return error == -ENODEV ? 0 : error;
}

void
sea_host_probe(sea_host_features_t *features)
{
  int ring = on_ring(0, sea__probe_enter);
  if (ring < 0) { /* then there is nothing to try */
    features->send_bundles = features->send_message_zc = features->registered_send =
        features->napi = features->sqpoll = features->msg_ring = features->futex_wait =
            features->recv_zc = features->cqe32 = ring;
    return;
  }
  features->send_bundles = try_send_bundles();
  features->send_message_zc = on_ring_again(0, send_message, SEA_PATIENCE);
  features->registered_send = on_ring_again(0, send_registered, SEA_PATIENCE);
  features->napi = on_ring(0, register_napi);
  features->sqpoll = on_ring(IORING_SETUP_SQPOLL, sea__probe_enter);
  features->msg_ring = on_ring(0, message_ring);
  features->futex_wait = on_ring(0, wait_on_futex);
  features->recv_zc = try_zero_copy_receive();
  features->cqe32 = on_ring(IORING_SETUP_CQE32, sea__probe_enter);
}
