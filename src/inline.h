/* The inline driver: the host's thread runs the loop between its other work, and sleeps wherever it
 * sleeps anyway, in epoll_wait say.
 *
 * What wakes it is an eventfd that the ring writes. The ring's own descriptor will not do: with
 * DEFER_TASKRUN the kernel leaves what arrives to the next io_uring_enter, and tells only who waits
 * in there and the eventfd (6.18). It is written only between sea__inline_sleep() and
 * sea__inline_wake(); the kernel looks at a flag in shared memory for that. */
#ifndef SEA_INLINE_H
#define SEA_INLINE_H

#include "loop.h"

/* Makes the ring, on the thread that is to run the loop. */
int sea__inline_start(sea_loop_t *loop);
void sea__inline_pass(sea_loop_t *loop);
/* See sea_inline_sleep() and sea_inline_wake(). */
bool sea__inline_sleep(sea_loop_t *loop);
void sea__inline_wake(sea_loop_t *loop);
int64_t sea__inline_wait_ms(sea_loop_t *loop);
/* After the orders to stop and to discard: runs the loop to its end. */
void sea__inline_finish(sea_loop_t *loop);

#endif
