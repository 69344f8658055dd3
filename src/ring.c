#include "ring.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "patience.h"

/* R_DISABLED: see sea__ring_enable(). */
#define ALWAYS (IORING_SETUP_CQSIZE | IORING_SETUP_R_DISABLED)
#define CQ_PER_SQ 8
#define CQ_ENTRIES_MAX 65536U

/* Best first. DEFER_TASKRUN needs 6.1, SINGLE_ISSUER 6.0, COOP_TASKRUN 5.19, SUBMIT_ALL 5.18. */
static const uint32_t flag_sets[] = {
    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN,
    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN,
    0,
};

static int
try_setup(sea_ring_t *ring, uint32_t depth, uint32_t flags)
{
  int error = -EINVAL;
  uint32_t patience = SEA_PATIENCE;
  uint32_t cq_entries = sea__min_u32(depth * CQ_PER_SQ, CQ_ENTRIES_MAX);
  /* Where locked memory is scarce, the full size is waited for, and then a smaller ring beats none.
   */
  for (; depth >= SEA_RING_ENTRIES_MIN; depth /= 2, cq_entries /= 2) {
    do {
      struct io_uring_params params = {.flags = flags | ALWAYS, .cq_entries = cq_entries};
      error = io_uring_queue_init_params(depth, &ring->uring, &params);
    } while (sea__try_again(error, &patience));
    if (error != -ENOMEM) {
      break;
    }
  }
  return error;
}

/* With the first of the sets of flags, from first up to n, that the kernel knows. */
static int
init(sea_ring_t *ring, uint32_t depth, uint32_t more, size_t first, size_t n, sea_stats_t *stats)
{
  int error = -EINVAL;
  for (size_t i = first; i < n && error == -EINVAL; i++) {
    uint32_t flags = flag_sets[i];
    if (flags != 0) {
      flags |= more;
    }
    error = try_setup(ring, depth, flags);
    ring->flags = flags | ALWAYS;
  }
  if (error < 0) {
    return error;
  }
  ring->stats = stats;
  ring->in_flight = 0;
  /* Saves a file table look-up per system call; the ring works without. */
  (void)io_uring_register_ring_fd(&ring->uring);
  return 0;
}

/* 5.19; goes with COOP_TASKRUN or DEFER_TASKRUN */
static uint32_t
taskrun_flag(bool polled)
{
  return polled ? IORING_SETUP_TASKRUN_FLAG : 0;
}

int
sea__ring_init(sea_ring_t *ring, uint32_t depth, bool polled, bool deferred, sea_stats_t *stats)
{
  size_t first = deferred ? 0 : 1; /* the first set alone defers work */
  size_t n = sizeof flag_sets / sizeof *flag_sets;
  return init(ring, depth, taskrun_flag(polled), first, n, stats);
}

int
sea__ring_init_wide(sea_ring_t *ring, uint32_t depth, bool polled, sea_stats_t *stats)
{
  return init(ring, depth, taskrun_flag(polled) | IORING_SETUP_CQE32, 0, 1, stats);
}

int
sea__ring_register(sea_ring_t *ring, uint32_t call, void *argument, uint32_t n)
{
  long result = syscall(__NR_io_uring_register, ring->uring.ring_fd, call, argument, n);
  return result < 0 ? -errno : (int)result;
}

int
sea__ring_enable(sea_ring_t *ring)
{
  return io_uring_enable_rings(&ring->uring);
}

void
sea__ring_deinit(sea_ring_t *ring)
{
  io_uring_queue_exit(&ring->uring);
}

struct io_uring_sqe *
sea__ring_sqe(sea_ring_t *ring)
{
  struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);
  if (sea_unlikely(sqe == NULL)) {
    sea__stat_add(&ring->stats->enters, 1);
    io_uring_submit(&ring->uring);
    sqe = io_uring_get_sqe(&ring->uring);
  }
  return sqe;
}

bool
sea__ring_wants_enter(const sea_ring_t *ring)
{
  uint32_t flags = IO_URING_READ_ONCE(*ring->uring.sq.kflags);
  return io_uring_sq_ready(&ring->uring) > 0 ||
         (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}

void
sea__ring_enter(sea_ring_t *ring, bool wait, int64_t timeout_ms)
{
  if (sea_unlikely(IO_URING_READ_ONCE(*ring->uring.sq.kflags) & IORING_SQ_CQ_OVERFLOW)) {
    sea__stat_add(&ring->stats->cq_overflows, 1);
  }
  sea__stat_add(&ring->stats->enters, 1);
  /* Errors need no answer here. -ETIME and -EINTR are ways of waking up; -EBUSY means that
   * completions must be reaped first, which is what comes next, and unsubmitted entries stay. */
  if (!wait) {
    io_uring_submit_and_get_events(&ring->uring);
  } else if (timeout_ms < 0) {
    io_uring_submit_and_wait(&ring->uring, 1);
  } else {
    struct io_uring_cqe *cqe;
    struct __kernel_timespec ts = {.tv_sec = timeout_ms / 1000,
                                   .tv_nsec = timeout_ms % 1000 * 1000000};
    io_uring_submit_and_wait_timeout(&ring->uring, &cqe, 1, &ts, NULL);
  }
}
