/* The thread driver: a worker thread that runs a loop and sleeps in io_uring_enter between passes.
 */
#ifndef SEA_THREAD_H
#define SEA_THREAD_H

#include <pthread.h>

#include "loop.h"

typedef struct sea_thread {
  sea_loop_t *loop;
  pthread_t handle;
  pthread_mutex_t lock; /* for `ready` and `error`, at start only */
  pthread_cond_t told;
  bool ready;
  int error;
} sea_thread_t;

/* Returns when the loop's ring stands, or with the -errno for which it could not be made. */
int sea__thread_start(sea_thread_t *thread, sea_loop_t *loop);
/* Waits for the worker's end, which comes after a stop order. */
void sea__thread_join(sea_thread_t *thread);

#endif
