/* The worker as a fiber of the test's thread: it runs when the test lets it, up to the next point
 * at which it would sleep or another thread could come in. */
#define NO_REDIRECT
#include "redirect.h"

#include <errno.h>
#include <stdlib.h>
#include <ucontext.h>

#include "shim.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#elif defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

#define STACK_BYTES (1U << 20)
/* The clock moves so much faster than time while everybody waits. */
#define NAP_US 500
#define NAP_CLOCK_US 20000
#define STEP_CLOCK_US 5
/* Of a worker whose end is waited for. */
#define STEPS_MAX 20000U

static struct {
  ucontext_t test;
  ucontext_t worker;
  char *stack;
  void *(*start)(void *);
  void *arg;
  bool there;
  bool running; /* the worker is on the processor */
  fault_worker_t state;
  uint64_t clock_us;
  const void *test_stack;
  size_t test_stack_bytes;
  void *fake_stack;
  void *test_fiber;
  void *worker_fiber;
} fiber = {.clock_us = 1000000000};

/* -- switching, with what the sanitizers want to know of it -- */

static void
leave_for(void *fake_stack, const void *bottom, size_t bytes, void *tsan_fiber)
{
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(fake_stack, bottom, bytes);
#elif defined(__SANITIZE_THREAD__)
  __tsan_switch_to_fiber(tsan_fiber, 0);
#endif
  (void)fake_stack;
  (void)bottom;
  (void)bytes;
  (void)tsan_fiber;
}

static void
arrived(void *fake_stack, const void **bottom, size_t *bytes)
{
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake_stack, bottom, bytes);
#endif
  (void)fake_stack;
  (void)bottom;
  (void)bytes;
}

static void
to_test(bool for_good)
{
  void *fake_stack = NULL;
  fiber.running = false;
  leave_for(for_good ? NULL : &fake_stack, fiber.test_stack, fiber.test_stack_bytes,
            fiber.test_fiber);
  swapcontext(&fiber.worker, &fiber.test);
  arrived(fake_stack, &fiber.test_stack, &fiber.test_stack_bytes);
  fiber.running = true;
}

static void
to_worker(void)
{
  leave_for(&fiber.fake_stack, fiber.stack, STACK_BYTES, fiber.worker_fiber);
  swapcontext(&fiber.test, &fiber.worker);
  arrived(fiber.fake_stack, NULL, NULL);
}

static void
body(void)
{
  arrived(NULL, &fiber.test_stack, &fiber.test_stack_bytes);
  fiber.running = true;
  fiber.start(fiber.arg);
  fiber.there = false;
  fiber.state = WORKER_NONE;
  to_test(true);
}

bool
fault_on_worker(void)
{
  return fiber.running;
}

void
fault_yield(fault_worker_t state)
{
  if (fiber.running) {
    fiber.state = state;
    to_test(false);
  }
}

void
fault_clock_tick(void)
{
  fiber.clock_us += STEP_CLOCK_US;
}

fault_worker_t
fault_worker_step(void)
{
  fault_clock_tick();
  if (!fiber.there) {
    return WORKER_NONE;
  }
  fiber.state = WORKER_RAN;
  to_worker();
  return fiber.state;
}

/* -- time ------------------------------------------------------------------------------------- */

uint64_t
fault_clock_ms(void)
{
  return fiber.clock_us / 1000;
}

void
fault_nap(void)
{
  nanosleep(&(struct timespec){.tv_nsec = NAP_US * 1000}, NULL);
  fiber.clock_us += NAP_CLOCK_US;
}

int
fault_clock_gettime(clockid_t clock, struct timespec *ts)
{
  (void)clock;
  *ts = (struct timespec){.tv_sec = (time_t)(fiber.clock_us / 1000000),
                          .tv_nsec = (long)(fiber.clock_us % 1000000 * 1000)};
  return 0;
}

/* -- threads ---------------------------------------------------------------------------------- */

int
fault_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes)
{
  return fault_here(FAULT_CALL) ? EAGAIN : pthread_mutex_init(mutex, attributes);
}

int
fault_thread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                    void *arg)
{
  (void)attributes;
  if (fault_here(FAULT_CALL)) {
    return EAGAIN;
  }
  if (fiber.there) {
    fault_fail("a second worker");
  }
  fiber.stack = fiber.stack != NULL ? fiber.stack : malloc(STACK_BYTES);
  getcontext(&fiber.worker);
  fiber.worker.uc_stack.ss_sp = fiber.stack;
  fiber.worker.uc_stack.ss_size = STACK_BYTES;
  makecontext(&fiber.worker, body, 0);
  fiber.start = start;
  fiber.arg = arg;
  fiber.there = true;
#if defined(__SANITIZE_THREAD__)
  fiber.test_fiber = __tsan_get_current_fiber();
  fiber.worker_fiber = fiber.worker_fiber != NULL ? fiber.worker_fiber : __tsan_create_fiber(0);
#endif
  *thread = pthread_self();
  return 0;
}

/* The host waits for the worker, which is all that can happen then. */
static void
let_work(uint32_t *steps)
{
  if (fault_worker_step() != WORKER_RAN) {
    fault_nap();
  }
  if (++*steps > STEPS_MAX) {
    fault_fail("the worker does not end, or does not start");
  }
}

int
fault_thread_join(pthread_t thread, void **result)
{
  (void)thread;
  (void)result;
  for (uint32_t steps = 0; fiber.there;) {
    let_work(&steps);
  }
  return 0;
}

int
fault_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
  uint32_t steps = 0;
  (void)condition;
  pthread_mutex_unlock(mutex);
  let_work(&steps);
  pthread_mutex_lock(mutex);
  return 0;
}
