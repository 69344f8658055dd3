/* Faults on purpose. The core is compiled a second time with redirect.h in front of every file, so
 * that its system calls and its ring go through here; the release build knows nothing of it.
 *
 * Everything is drawn from one seed. The worker is a fiber of the test's own thread, and its clock
 * is one that the test moves, so that a run is the same run whenever it is repeated: it differs at
 * most by what the kernel's own timers do.
 *
 * An operation fails by being replaced with one that does nothing, whose completion then says what
 * it is to say. So a failed receive has received nothing, and no byte can be lost here. */
#ifndef SHIM_H
#define SHIM_H

#include <stdbool.h>
#include <stdint.h>

typedef enum fault_point {
  FAULT_MEMORY, /* an allocation or a mapping fails */
  FAULT_CALL,   /* a system call, or the start of a ring or a thread, fails */
  FAULT_ACCEPT, /* these operations fail without having been tried */
  FAULT_RECV,
  FAULT_SEND,
  FAULT_CANCEL,
  FAULT_WAKE,
  FAULT_SHORT,    /* a send is of fewer bytes than were asked for */
  FAULT_ONE_SHOT, /* a multishot ends with its first completion */
  FAULT_SUBMIT,   /* io_uring_enter refuses */
  FAULT_PARTIAL,  /* it takes some of the entries only */
  FAULT_DELAY,    /* a completion is seen late */
  FAULT_REORDER,  /* before others that came earlier */
  FAULT_BLIND,    /* no completion is seen for a while: the completion queue runs over */
  FAULT_YIELD,    /* the worker stands still in the middle of a pass */
  FAULT_POINTS
} fault_point_t;

typedef struct fault_plan {
  uint32_t seed;
  uint16_t per_mille[FAULT_POINTS];
  bool lethal;         /* errors that end a connection too */
  bool recvs_in_order; /* between connections too: they fill one buffer behind the other */
  int accept_error;    /* all failing accepts fail with it; 0 = any */
  int recv_error;      /* likewise */
  int send_error;      /* likewise */
  /* The n-th time that this point is reached, counted from 1, it fails; 0 = none does. */
  fault_point_t nth_point;
  uint32_t nth;
} fault_plan_t;

/* Where the worker is after a step. */
typedef enum fault_worker {
  WORKER_NONE,    /* there is none */
  WORKER_RAN,     /* it goes on at the next step */
  WORKER_WAITING, /* it sleeps, and there was nothing to wake it */
} fault_worker_t;

void fault_begin(const fault_plan_t *plan);
/* Nothing fails unless this is on. */
void fault_arm(bool on);
/* From now on that plan is in force. */
void fault_change(const fault_plan_t *plan);
/* Ends the test with a message unless all memory and all descriptors are back. */
void fault_end(void);
/* Since fault_begin(). */
uint32_t fault_reached(fault_point_t point);
uint32_t fault_fired(fault_point_t point);

/* -- shim_thread.c -- */

fault_worker_t fault_worker_step(void);
/* What a step takes, for servers that are run without a worker. */
void fault_clock_tick(void);
uint64_t fault_clock_ms(void);
/* Nobody has anything to do: gives the kernel a moment and moves the clock on. */
void fault_nap(void);

/* -- between the files of the shim -- */

/* Whether it fails now. */
bool fault_here(fault_point_t point);
uint32_t fault_random(void);
/* On the worker: the test goes on, and this returns when the worker's turn comes again. */
void fault_yield(fault_worker_t state);
bool fault_on_worker(void);
void fault_ring_end(void);
const fault_plan_t *fault_plan(void);
_Noreturn void fault_fail(const char *what);

#endif
