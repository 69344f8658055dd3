#include "inline.h"

#include "clock.h"

int
sea__inline_start(sea_loop_t *loop)
{
  int error = sea__loop_ring_init(loop);
  if (error < 0) {
    return error;
  }
  error = io_uring_register_eventfd(&loop->ring.uring, loop->wake.ring_fd);
  if (error < 0) {
    sea__loop_ring_deinit(loop);
    sea__bufring_deinit(&loop->buffers);
    sea__zero_copy_deinit(&loop->zero_copy);
    sea__zcrx_deinit(&loop->zcrx);
    return error;
  }
  sea__inline_wake(loop);
  return 0;
}

static void
end(sea_loop_t *loop)
{
  sea__loop_ring_deinit(loop);
  loop->ended = true;
  sea__loop_say_stopped(loop);
}

void
sea__inline_pass(sea_loop_t *loop)
{
  if (loop->ended) {
    return;
  }
  sea__loop_prepare(loop);
  if (sea__loop_finished(loop)) {
    end(loop);
  } else if (!sea__loop_stalled(loop)) {
    if (sea__ring_wants_enter(&loop->ring)) {
      sea__ring_enter(&loop->ring, false, 0);
    }
    sea__loop_reap(loop);
  }
}

/* Completions can wait until the host has taken events; that is all there is to wait for. */
static bool
sleep_stalled(sea_loop_t *loop)
{
  if (!sea__loop_has_room(loop)) {
    sea__stat_add(&loop->stats.event_stalls, 1);
  }
  return !sea__loop_relieved(loop);
}

bool
sea__inline_sleep(sea_loop_t *loop)
{
  if (loop->ended) {
    return true;
  }
  bool rings = loop->bell_due != SEA_BELL_SILENT;
  sea__loop_ring_lazy(loop);
  if (sea__loop_stalled(loop)) {
    return !rings && sleep_stalled(loop);
  }
  /* What was reaped last may have been the last of all: the next pass says so. */
  if (rings || sea__loop_has_work(loop) || sea__loop_finished(loop)) {
    return false;
  }
  io_uring_cq_eventfd_toggle(&loop->ring.uring, true);
  /* Either the kernel sees the flag, or what it did before is seen here. */
  atomic_thread_fence(memory_order_seq_cst);
  if (sea__ring_wants_enter(&loop->ring) || sea__ring_has_completions(&loop->ring)) {
    sea__inline_wake(loop);
    return false;
  }
  return true;
}

void
sea__inline_wake(sea_loop_t *loop)
{
  /* The kernel sets its flag and then looks at ours, with no barrier between that holds on every
   * processor. Where it is not known to hold, the descriptor stays on, and may wake for nothing. */
#if defined(__x86_64__) || defined(__i386__)
  if (!loop->ended) {
    io_uring_cq_eventfd_toggle(&loop->ring.uring, false);
  }
#else
  (void)loop;
#endif
}

int64_t
sea__inline_wait_ms(sea_loop_t *loop)
{
  if (loop->ended) {
    return -1;
  }
  loop->now_ms = sea__clock_ms();
  return sea__loop_wait_ms(loop);
}

void
sea__inline_finish(sea_loop_t *loop)
{
  while (!loop->ended) {
    sea__inline_pass(loop);
    if (!loop->ended && !sea__loop_has_work(loop) && !sea__loop_finished(loop) &&
        !sea__ring_wants_enter(&loop->ring) && !sea__ring_has_completions(&loop->ring)) {
      sea__ring_enter(&loop->ring, true, sea__loop_wait_ms(loop));
    }
  }
}
