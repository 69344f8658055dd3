/* The io_uring of one loop: set-up, submission entries, user_data, one system call per pass.
 * The only header that brings in liburing. Used by the thread that runs the loop, and by no other.
 */
#ifndef SEA_RING_H
#define SEA_RING_H

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

#include "base.h"
#include "sea.h"
#include "stats.h"

#define SEA_RING_ENTRIES_MIN 8U

/* Four bits: the faulty build of the tests has a use for those above. */
typedef enum sea_op {
  SEA_OP_RECV_ZC = 0,
  SEA_OP_WAKE,
  SEA_OP_ACCEPT,
  SEA_OP_RECV,
  SEA_OP_SEND,
  SEA_OP_CANCEL_RECV, /* of one receive: for a pause, or to look again */
  SEA_OP_CANCEL_CONN, /* of everything on one socket, to close it */
  SEA_OP_CANCEL_LOOP, /* of the accept, or of everything, for the loop itself */
  SEA_OP_WATCH,       /* a poll for the end of a connection, where a receive may miss it */
} sea_op_t;

typedef struct sea_ring {
  struct io_uring uring;
  sea_stats_t *stats;
  uint32_t in_flight; /* entries whose last CQE has not been seen */
  uint32_t flags;     /* IORING_SETUP_* in force */
} sea_ring_t;

/* user_data: operation above, connection id below. The only place that knows the bits. */
static inline uint64_t
sea__ring_tag(sea_op_t op, sea_conn_id_t id)
{
  return (uint64_t)op << 56 | id;
}

static inline sea_op_t
sea__ring_tag_op(uint64_t tag)
{
  return (sea_op_t)(tag >> 56);
}

static inline sea_conn_id_t
sea__ring_tag_id(uint64_t tag)
{
  return tag & ((1ULL << (SEA_SLOT_BITS + SEA_GENERATION_BITS)) - 1);
}

/* Steps down flag by flag on -EINVAL and size by size on -ENOMEM. -errno of the last try. With
 * `polled`, the kernel shows by a flag that it has work for sea__ring_enter(). `deferred`: work may
 * wait for that. */
int sea__ring_init(sea_ring_t *ring, uint32_t depth, bool polled, bool deferred,
                   sea_stats_t *stats);
/* The same with 32-byte completions, as zero-copy receive needs them, and without stepping down
 * from the flags that it needs as well. */
int sea__ring_init_wide(sea_ring_t *ring, uint32_t depth, bool polled, sea_stats_t *stats);
/* io_uring_register(2), for what liburing does not know: 0 or more, or -errno. */
int sea__ring_register(sea_ring_t *ring, uint32_t call, void *argument, uint32_t n);
/* Until then nothing can be submitted; what is to be registered is best registered before. The ring
 * belongs to the calling thread from here on. */
int sea__ring_enable(sea_ring_t *ring);
/* Nothing may be in flight. */
void sea__ring_deinit(sea_ring_t *ring);

/* A free submission entry; submits what is queued if there is none. NULL when the kernel takes no
 * more until completions have been reaped: try again in the next pass. */
struct io_uring_sqe *sea__ring_sqe(sea_ring_t *ring);

/* Names the prepared entry and counts it as in flight. */
static inline void
sea__ring_start(sea_ring_t *ring, struct io_uring_sqe *sqe, uint64_t tag)
{
  io_uring_sqe_set_data64(sqe, tag);
  ring->in_flight++;
}

/* The one io_uring_enter of a pass: submits, runs the kernel's deferred work and, if `wait`, sleeps
 * until there is a completion or timeout_ms have passed (-1 = no limit). */
void sea__ring_enter(sea_ring_t *ring, bool wait, int64_t timeout_ms);

/* Whether an enter without waiting would do anything. For a polled ring. */
bool sea__ring_wants_enter(const sea_ring_t *ring);

static inline bool
sea__ring_has_completions(const sea_ring_t *ring)
{
  return io_uring_cq_ready(&ring->uring) > 0;
}

#endif
