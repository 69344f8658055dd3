/* The ring, as the core sees it: entries are changed on their way to the kernel, and completions
 * pass through a queue of our own on their way back, where they may be late or overtake each other.
 *
 * Completions of one operation stay in order, as the kernel's do. */
#define NO_REDIRECT
#include "redirect.h"

#include <errno.h>
#include <string.h>

#include "ring.h"
#include "shim.h"

#define HELD_MAX 8192U
#define DELAY_TICKS_MAX 24U
#define BLIND_TICKS_MAX 12U
#define NAPS_MAX 4000U

typedef struct held {
  struct io_uring_cqe cqe;
  uint64_t tick; /* not to be seen before */
} held_t;

/* Of the loop's ring. That of the probe is left alone. */
static struct {
  struct io_uring *ring;
  uint64_t tick; /* counts calls into the kernel, and looks that found nothing */
  uint64_t blind_until;
  uint32_t held_count;
  struct io_uring_cqe shown;
  held_t held[HELD_MAX];
} state;

/* -- failing operations ----------------------------------------------------------------------- */

/* The replaced operation's error travels in bits of user_data that no tag uses. */
#define FAILED (1ULL << 63)
#define TAG_ERROR_SHIFT 60 /* three bits, and four more at 52 */

static uint64_t
with_error(uint64_t tag, int error)
{
  uint64_t bits = (uint64_t)error;
  return tag | FAILED | (bits & 7) << TAG_ERROR_SHIFT | (bits >> 3) << 52;
}

static void
reveal(struct io_uring_cqe *cqe)
{
  uint64_t data = cqe->user_data;
  if ((data & FAILED) == 0) {
    return;
  }
  cqe->res = -(int32_t)((data >> TAG_ERROR_SHIFT & 7) | (data >> 52 & 15) << 3);
  cqe->flags = 0;
  cqe->user_data = data & ~(FAILED | 7ULL << TAG_ERROR_SHIFT | 15ULL << 52);
}

static int
one_of(const int *errors, uint32_t n)
{
  return errors[fault_random() % n];
}

#define ONE_OF(...) \
  one_of((const int[]){__VA_ARGS__}, sizeof(const int[]){__VA_ARGS__} / sizeof(int))

static int
accept_error(void)
{
  if (fault_plan()->accept_error != 0) {
    return fault_plan()->accept_error;
  }
  return ONE_OF(EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED, EINTR, ECANCELED, EAGAIN, EPERM);
}

static int
recv_error(void)
{
  if (fault_plan()->recv_error != 0) {
    return fault_plan()->recv_error;
  }
  if (fault_plan()->lethal && fault_random() % 8 == 0) {
    return ONE_OF(ECONNRESET, ETIMEDOUT, ENOMEM, EIO);
  }
  return ONE_OF(ENOBUFS, EINTR, EAGAIN, ECANCELED);
}

static int
send_error(const struct io_uring_sqe *sqe)
{
  if (fault_plan()->send_error != 0) {
    return fault_plan()->send_error;
  }
  bool zero_copy = sqe->opcode == IORING_OP_SEND_ZC || sqe->opcode == IORING_OP_SENDMSG_ZC;
  if (fault_plan()->lethal && fault_random() % 8 == 0) {
    return ONE_OF(EPIPE, ECONNRESET, ETIMEDOUT, EHOSTUNREACH);
  }
  return zero_copy ? ONE_OF(EINTR, EAGAIN, EINVAL, EOPNOTSUPP, ENOMEM, ENOBUFS)
                   : ONE_OF(EINTR, EAGAIN);
}

/* The error with which the operation is to fail, or 0. */
static int
error_for(const struct io_uring_sqe *sqe, sea_op_t op)
{
  switch (op) {
  case SEA_OP_ACCEPT:
    return fault_here(FAULT_ACCEPT) ? accept_error() : 0;
  case SEA_OP_RECV:
    return fault_here(FAULT_RECV) ? recv_error() : 0;
  case SEA_OP_SEND:
    return fault_here(FAULT_SEND) ? send_error(sqe) : 0;
  case SEA_OP_WAKE:
    return fault_here(FAULT_WAKE) ? ONE_OF(EINTR, EAGAIN, ECANCELED, ENOMEM) : 0;
  default:
    return fault_here(FAULT_CANCEL) ? ONE_OF(ENOENT, EALREADY, EINTR) : 0;
  }
}

static void
shorten(struct io_uring_sqe *sqe)
{
  if (sqe->opcode == IORING_OP_SEND || sqe->opcode == IORING_OP_SEND_ZC) {
    sqe->len = 1 + fault_random() % sqe->len;
    return;
  }
  struct msghdr *header = (struct msghdr *)(uintptr_t)sqe->addr;
  header->msg_iovlen = 1 + fault_random() % (uint32_t)header->msg_iovlen;
  struct iovec *last = &header->msg_iov[header->msg_iovlen - 1];
  last->iov_len = last->iov_len > 1 ? 1 + fault_random() % (uint32_t)last->iov_len : last->iov_len;
}

/* Called once for every entry, when it is otherwise ready. */
void
fault_set_data64(struct io_uring_sqe *sqe, uint64_t tag)
{
  sea_op_t op = sea__ring_tag_op(tag);
  int error = error_for(sqe, op);
  if (error != 0) {
    io_uring_prep_nop(sqe);
    tag = with_error(tag, error);
  } else if (op == SEA_OP_SEND && fault_here(FAULT_SHORT)) {
    shorten(sqe);
  } else if (sqe->opcode == IORING_OP_RECV && fault_here(FAULT_ONE_SHOT)) {
    sqe->ioprio &= (uint16_t)~IORING_RECV_MULTISHOT;
  } else if (sqe->opcode == IORING_OP_ACCEPT && fault_here(FAULT_ONE_SHOT)) {
    sqe->ioprio &= (uint16_t)~IORING_ACCEPT_MULTISHOT;
  }
  sqe->user_data = tag;
}

/* -- completions ------------------------------------------------------------------------------ */

/* Whether b must not be seen before a, which came first. */
static bool
bound_to(const struct io_uring_cqe *a, const struct io_uring_cqe *b)
{
  bool recvs = sea__ring_tag_op(a->user_data) == SEA_OP_RECV &&
               sea__ring_tag_op(b->user_data) == SEA_OP_RECV;
  return a->user_data == b->user_data || (recvs && fault_plan()->recvs_in_order);
}

static void
hold(const struct io_uring_cqe *cqe)
{
  held_t *one = &state.held[state.held_count];
  one->cqe = *cqe;
  reveal(&one->cqe);
  one->tick = state.tick + (fault_here(FAULT_DELAY) ? fault_random() % DELAY_TICKS_MAX : 0);
  for (uint32_t i = 0; i < state.held_count; i++) {
    if (bound_to(&state.held[i].cqe, &one->cqe) && state.held[i].tick > one->tick) {
      one->tick = state.held[i].tick;
    }
  }
  state.held_count++;
}

static void
pump(void)
{
  struct io_uring_cqe *cqe;
  if (state.tick >= state.blind_until && fault_here(FAULT_BLIND)) {
    state.blind_until = state.tick + fault_random() % BLIND_TICKS_MAX;
  }
  while (state.tick >= state.blind_until && state.held_count < HELD_MAX &&
         io_uring_peek_cqe(state.ring, &cqe) == 0) {
    hold(cqe);
    io_uring_cqe_seen(state.ring, cqe);
  }
}

/* Whether something that came before it has to be seen before it. */
static bool
must_wait(uint32_t i)
{
  for (uint32_t before = 0; before < i; before++) {
    if (bound_to(&state.held[before].cqe, &state.held[i].cqe)) {
      return true;
    }
  }
  return state.held[i].tick > state.tick;
}

/* The index of the next one to show, or held_count. */
static uint32_t
choose(void)
{
  uint32_t first = 0;
  while (first < state.held_count && must_wait(first)) {
    first++;
  }
  if (first < state.held_count && fault_here(FAULT_REORDER)) {
    uint32_t other = first + fault_random() % (state.held_count - first);
    return must_wait(other) ? first : other;
  }
  return first;
}

int
fault_peek_cqe(struct io_uring *ring, struct io_uring_cqe **cqe)
{
  if (ring != state.ring) {
    return io_uring_peek_cqe(ring, cqe);
  }
  if (fault_here(FAULT_YIELD)) {
    fault_yield(WORKER_RAN);
  }
  pump();
  uint32_t i = choose();
  if (i == state.held_count) {
    state.tick++; /* a server without a worker may have no reason to enter */
    return -EAGAIN;
  }
  state.shown = state.held[i].cqe;
  memmove(&state.held[i], &state.held[i + 1], (state.held_count - i - 1) * sizeof *state.held);
  state.held_count--;
  *cqe = &state.shown;
  return 0;
}

void
fault_cqe_seen(struct io_uring *ring, struct io_uring_cqe *cqe)
{
  if (cqe != &state.shown) {
    io_uring_cqe_seen(ring, cqe);
  }
}

unsigned
fault_cq_ready(const struct io_uring *ring)
{
  return (ring == state.ring ? state.held_count : 0) + io_uring_cq_ready(ring);
}

/* -- entering --------------------------------------------------------------------------------- */

/* Submits as many as it is let; the rest stays for the next call. */
static int
submit_some(struct io_uring *ring)
{
  struct io_uring_sq *sq = &ring->sq;
  unsigned tail = sq->sqe_tail;
  unsigned n = tail - sq->sqe_head;
  if (n > 0 && fault_here(FAULT_PARTIAL)) {
    sq->sqe_tail = sq->sqe_head + fault_random() % n;
  }
  int result = io_uring_submit_and_get_events(ring);
  sq->sqe_tail = tail;
  return result;
}

static int
enter(struct io_uring *ring)
{
  state.tick++;
  if (fault_here(FAULT_YIELD)) {
    fault_yield(WORKER_RAN);
  }
  return fault_here(FAULT_SUBMIT) ? -ONE_OF(EBUSY, EAGAIN, EINTR, ENOMEM) : submit_some(ring);
}

int
fault_submit(struct io_uring *ring)
{
  return ring == state.ring ? enter(ring) : io_uring_submit(ring);
}

/* Between two passes another thread may come in. */
int
fault_submit_and_get_events(struct io_uring *ring)
{
  int result = enter(ring);
  fault_yield(WORKER_RAN);
  return result;
}

/* Sleeps until there is a completion, which may be one that is not to be seen yet: the sleep then
 * ends for nothing, as sleeps may. deadline_ms 0 = none. */
static int
sleep_until(struct io_uring *ring, uint64_t deadline_ms)
{
  uint32_t naps = 0;
  int result = enter(ring);
  fault_yield(WORKER_RAN);
  /* The kernel does not sleep either when it has not taken all entries. */
  while (result >= 0 && fault_cq_ready(ring) == 0 && io_uring_sq_ready(ring) == 0) {
    if (deadline_ms != 0 && fault_clock_ms() >= deadline_ms) {
      return -ETIME;
    }
    if (fault_on_worker()) {
      fault_yield(WORKER_WAITING);
    } else if (++naps < NAPS_MAX) {
      fault_nap(); /* an inline server that is run to its end */
    } else {
      fault_fail("an inline server does not end");
    }
    io_uring_get_events(ring);
  }
  return result;
}

int
fault_submit_and_wait(struct io_uring *ring, unsigned n)
{
  (void)n;
  return sleep_until(ring, 0);
}

int
fault_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe, unsigned n,
                              struct __kernel_timespec *ts, sigset_t *mask)
{
  if (ring != state.ring) {
    return fault_here(FAULT_SUBMIT) ? -ONE_OF(EBUSY, EAGAIN, EINTR)
                                    : io_uring_submit_and_wait_timeout(ring, cqe, n, ts, mask);
  }
  uint64_t ms = (uint64_t)ts->tv_sec * 1000 + (uint64_t)ts->tv_nsec / 1000000;
  return sleep_until(ring, fault_clock_ms() + ms + 1);
}

/* -- life ------------------------------------------------------------------------------------- */

int
fault_queue_init(unsigned entries, struct io_uring *ring, unsigned flags)
{
  return fault_here(FAULT_CALL) ? -ONE_OF(ENOMEM, EMFILE, EPERM, EINVAL)
                                : io_uring_queue_init(entries, ring, flags);
}

int
fault_queue_init_params(unsigned entries, struct io_uring *ring, struct io_uring_params *params)
{
  int error = fault_here(FAULT_CALL) ? -ONE_OF(ENOMEM, EMFILE, EPERM, EINVAL)
                                     : io_uring_queue_init_params(entries, ring, params);
  if (error == 0) {
    state.ring = ring;
  }
  return error;
}

void
fault_queue_exit(struct io_uring *ring)
{
  if (ring == state.ring) {
    fault_ring_end();
  }
  io_uring_queue_exit(ring);
}

void
fault_ring_end(void)
{
  if (state.held_count != 0) {
    fault_fail("a ring ended with completions that nobody had seen");
  }
  memset(&state, 0, offsetof(__typeof__(state), held));
}

int
fault_register_ring_fd(struct io_uring *ring)
{
  return fault_here(FAULT_CALL) ? -ONE_OF(EBUSY, EINVAL) : io_uring_register_ring_fd(ring);
}

int
fault_register_eventfd(struct io_uring *ring, int fd)
{
  return fault_here(FAULT_CALL) ? -ONE_OF(ENOMEM, EBUSY) : io_uring_register_eventfd(ring, fd);
}

int
fault_register_buffers(struct io_uring *ring, const struct iovec *parts, unsigned n)
{
  return fault_here(FAULT_CALL) ? -ONE_OF(ENOMEM, EOPNOTSUPP)
                                : io_uring_register_buffers(ring, parts, n);
}

int
fault_register_buf_ring(struct io_uring *ring, struct io_uring_buf_reg *reg, unsigned flags)
{
  return fault_here(FAULT_CALL) ? -ONE_OF(ENOMEM, EINVAL)
                                : io_uring_register_buf_ring(ring, reg, flags);
}

int
fault_register_restrictions(struct io_uring *ring, struct io_uring_restriction *list, unsigned n)
{
  return fault_here(FAULT_CALL) ? -ONE_OF(EINVAL, ENOMEM)
                                : io_uring_register_restrictions(ring, list, n);
}

int
fault_enable_rings(struct io_uring *ring)
{
  return fault_here(FAULT_CALL) ? -EINVAL : io_uring_enable_rings(ring);
}
