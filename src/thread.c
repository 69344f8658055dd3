#include "thread.h"

#include <signal.h>

#include "clock.h"

static void
sleep_stalled(sea_loop_t *loop)
{
  if (!sea__loop_has_room(loop)) {
    sea__stat_add(&loop->stats.event_stalls, 1);
  }
  sea__loop_ring_lazy(loop);
  sea__wake_announce(&loop->wake, sea__loop_sleep_reasons(loop));
  if (!sea__loop_relieved(loop)) {
    sea__wake_stall(&loop->wake);
  }
  sea__wake_clear(&loop->wake);
}

/* Looks for work for a while, in memory alone. Whether there is some. */
static bool
busy_poll(const sea_loop_t *loop)
{
  if (loop->options.busy_poll_us == 0) {
    return false;
  }
  uint64_t end = sea__clock_us() + loop->options.busy_poll_us;
  do {
    if (sea__ring_has_completions(&loop->ring) || sea__ring_wants_enter(&loop->ring) ||
        sea__loop_has_work(loop)) {
      return true;
    }
    sea_cpu_relax();
  } while (sea__clock_us() < end);
  return false;
}

static void
sleep_in_ring(sea_loop_t *loop)
{
  sea__loop_ring_lazy(loop);
  if (busy_poll(loop)) {
    sea__ring_enter(&loop->ring, false, 0);
    return;
  }
  sea__wake_announce(&loop->wake, sea__loop_sleep_reasons(loop));
  bool wait = !sea__loop_has_work(loop);
  if (!wait) {
    sea__wake_clear(&loop->wake);
  }
  sea__ring_enter(&loop->ring, wait, sea__loop_wait_ms(loop));
  if (wait) {
    sea__wake_clear(&loop->wake);
  }
}

static void
run(sea_loop_t *loop)
{
  for (;;) {
    bool commands = sea__loop_prepare(loop);
    if (sea__loop_finished(loop)) {
      return;
    }
    if (sea__loop_stalled(loop)) {
      sleep_stalled(loop);
      continue;
    }
    if (commands || sea__ring_has_completions(&loop->ring)) {
      sea__ring_enter(&loop->ring, false, 0);
    } else {
      sleep_in_ring(loop);
    }
    sea__loop_reap(loop);
  }
}

static void
tell(sea_thread_t *thread, int error)
{
  pthread_mutex_lock(&thread->lock);
  thread->ready = true;
  thread->error = error;
  pthread_cond_signal(&thread->told);
  pthread_mutex_unlock(&thread->lock);
}

static void *
thread_main(void *arg)
{
  sea_thread_t *thread = arg;
  sea_loop_t *loop = thread->loop;
  pthread_setname_np(pthread_self(), "searings");
  int error = sea__loop_ring_init(loop);
  tell(thread, error);
  if (error == 0) {
    run(loop);
    sea__loop_ring_deinit(loop);
    sea__loop_say_stopped(loop);
  }
  return NULL;
}

/* The process's signals are for the host's threads. */
static int
create_with_signals_blocked(sea_thread_t *thread)
{
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&thread->handle, NULL, thread_main, thread);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return -error;
}

int
sea__thread_start(sea_thread_t *thread, sea_loop_t *loop)
{
  *thread = (sea_thread_t){.loop = loop};
  pthread_mutex_init(&thread->lock, NULL);
  pthread_cond_init(&thread->told, NULL);
  int error = create_with_signals_blocked(thread);
  if (error == 0) {
    pthread_mutex_lock(&thread->lock);
    while (!thread->ready) {
      pthread_cond_wait(&thread->told, &thread->lock);
    }
    error = thread->error;
    pthread_mutex_unlock(&thread->lock);
    if (error < 0) {
      pthread_join(thread->handle, NULL);
    }
  }
  pthread_cond_destroy(&thread->told);
  pthread_mutex_destroy(&thread->lock);
  return error;
}

void
sea__thread_join(sea_thread_t *thread)
{
  pthread_join(thread->handle, NULL);
}
