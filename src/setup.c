/* The ring of a loop and what is registered with it, each fast path with what it needs or without.
 */
#include <assert.h>
#include <errno.h>

#include "clock.h"
#include "deferred.h"
#include "http/http.h"
#include "loop.h"
#include "restrict.h"

/* Late enough for a grace period of RCU on a busy machine. */
#define WAKE_MS_MAX 500

/* With the fast path that was asked for, or without. */
static int
make_buffers(sea_loop_t *loop)
{
  const sea_options_t *options = &loop->options;
  int error = -EINVAL;
  if (options->incremental_buffers) {
    error = sea__bufring_init(&loop->buffers, &loop->ring, options->buffer_count,
                              options->buffer_size, SEA_FILL_INCREMENTAL);
    loop->incremental_buffers = error == 0 ? SEA_PATH_ON : error;
  }
  if (options->recv_bundles && error < 0) {
    error = sea__bufring_init(&loop->buffers, &loop->ring, options->buffer_count,
                              options->buffer_size, SEA_FILL_BUNDLES);
    loop->recv_bundles = error == 0 ? SEA_PATH_ON : error;
  } else if (options->recv_bundles) {
    loop->recv_bundles = -EBUSY; /* one of the two */
  }
  if (error < 0) {
    error = sea__bufring_init(&loop->buffers, &loop->ring, options->buffer_count,
                              options->buffer_size, SEA_FILL_WHOLE);
  }
  return error;
}

static void
restrict_ring(sea_loop_t *loop)
{
  const sea_zero_copy_t *zero_copy = &loop->zero_copy;
  bool on = zero_copy->state == SEA_PATH_ON || zero_copy->buffers.state == SEA_PATH_ON;
  bool worker = loop->options.driver == SEA_DRIVER_WORKER;
  sea_needs_t needs = {
      .wake_read = worker,
      .eventfd = !worker,
      .zero_copy = on,
      .zcrx = loop->zcrx.state == SEA_PATH_ON,
      .zcrx_flush = loop->zcrx.state == SEA_PATH_ON && loop->zcrx.flushes,
      .zero_copy_gathered = on && zero_copy->gathered,
  };
  if (loop->options.restricted) {
    int error = sea__restrict(&loop->ring, &needs);
    loop->restricted = error < 0 ? error : SEA_PATH_ON;
  }
}

/* A wide ring with a receive queue of a card, if that is wanted and can be had; or a usual one, on
 * which everybody else would only lose by wide completions. */
static int
make_ring(sea_loop_t *loop, uint32_t depth, bool polled)
{
  sea_zcrx_t *zcrx = &loop->zcrx;
  bool deferred = loop->options.driver != SEA_DRIVER_INLINE || !loop->options.undeferred;
  if (loop->options.zcrx) {
    zcrx->state = sea__ring_init_wide(&loop->ring, depth, polled, &loop->stats);
  }
  if (loop->options.zcrx && zcrx->state >= 0) {
    zcrx->state = sea__zcrx_init(zcrx, &loop->ring, &loop->options);
    /* Such a ring has to defer: the host may be woken late then, as long as it is. */
    bool made = zcrx->state >= 0;
    if (made && (deferred || sea__deferred_work_wakes(WAKE_MS_MAX))) {
      zcrx->state = SEA_PATH_ON;
      return 0;
    }
    sea__ring_deinit(&loop->ring);
    if (made) {
      sea__zcrx_deinit(zcrx);
      zcrx->state = -EOPNOTSUPP;
    }
  }
  return sea__ring_init(&loop->ring, depth, polled, deferred, &loop->stats);
}

int
sea__loop_ring_init(sea_loop_t *loop)
{
  bool polled = loop->options.driver == SEA_DRIVER_INLINE || loop->options.busy_poll_us > 0;
  uint32_t depth = loop->options.queue_depth;
  int error;
  /* A ring that leaves no locked memory for buffers is too large. */
  do {
    error = make_ring(loop, depth, polled);
    if (error < 0) {
      return error;
    }
    uint32_t half = loop->ring.uring.sq.ring_entries / 2;
    error = make_buffers(loop);
    if (error < 0) {
      sea__ring_deinit(&loop->ring);
      sea__zcrx_deinit(&loop->zcrx);
    }
    if (error == -ENOMEM && loop->zcrx.state == SEA_PATH_ON) {
      loop->options.zcrx = false; /* what its area took may be enough */
      loop->zcrx.state = -ENOMEM;
    } else {
      depth = half;
    }
  } while (error == -ENOMEM && depth >= SEA_RING_ENTRIES_MIN);
  if (error < 0) {
    return error;
  }
  sea__zero_copy_init(&loop->zero_copy, &loop->ring, &loop->options);
  restrict_ring(loop);
  error = sea__ring_enable(&loop->ring);
  if (error < 0) {
    sea__ring_deinit(&loop->ring);
    sea__bufring_deinit(&loop->buffers);
    sea__zero_copy_deinit(&loop->zero_copy);
    sea__zcrx_deinit(&loop->zcrx);
    return error;
  }
  loop->now_ms = sea__clock_ms();
  sea__timer_init(&loop->timer, loop->options.idle_ms, loop->now_ms);
  sea__timer_init(&loop->farewells, SEA_FAREWELL_MS, loop->now_ms);
  sea__http_start(loop);
  return 0;
}

void
sea__loop_ring_deinit(sea_loop_t *loop)
{
  assert(loop->ring.in_flight == 0);
  sea__bufring_unregister(&loop->ring);
  sea__ring_deinit(&loop->ring);
}
