/* The memory that a network card receives into, and the refill ring by which its buffers go back to
 * the kernel. Bookkeeping alone: no system call, no io_uring. Used by the thread that runs the
 * loop.
 *
 * Each completion names a piece of a buffer and is one reference to it; several completions may
 * name pieces of one buffer, and come back in any order. The kernel wants one refill entry per
 * reference, drops silently what it does not understand, and says nothing when it has taken some.
 * So nothing goes to the ring that was not lent, and what finds no room there waits, counted per
 * buffer. */
#ifndef SEA_AREA_H
#define SEA_AREA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 6.15, as the kernel reads it */
typedef struct sea_uapi_refill {
  uint64_t offset; /* which area in the upper 16 bits */
  uint32_t length;
  uint32_t pad; /* must be 0 */
} sea_uapi_refill_t;

#define SEA_AREA_OFFSET_BITS 48U

/* What registration has told. */
typedef struct sea_area_setup {
  char *base;
  uint64_t size;        /* bytes, below 4 GiB: a multiple of buffer_size */
  uint32_t buffer_size; /* 2^n */
  uint64_t token;       /* of the area, goes with every refill entry */
  _Atomic uint32_t *head;
  _Atomic uint32_t *tail;
  sea_uapi_refill_t *entries;
  uint32_t entry_count; /* 2^n */
} sea_area_setup_t;

typedef struct sea_area_buffer {
  uint32_t lent; /* references that we have */
  uint32_t due;  /* references given back that are not in the refill ring yet */
} sea_area_buffer_t;

typedef struct sea_area {
  sea_area_setup_t setup;
  uint32_t shift;
  uint32_t count; /* of buffers */
  sea_area_buffer_t *buffers;
  uint32_t *queue; /* first in, first out: buffers with some due, each once */
  uint32_t queue_head;
  uint32_t queue_count;
  uint32_t tail;    /* ours; the kernel sees it in publish */
  uint32_t lent;    /* references, of all buffers */
  uint64_t refills; /* entries given to the kernel, ever */
} sea_area_t;

/* -EINVAL for a set-up that makes no sense, -ENOMEM. */
int sea__area_init(sea_area_t *area, const sea_area_setup_t *setup);
/* References may be out still; what is given back afterwards is nobody's. */
void sea__area_deinit(sea_area_t *area);

/* A completion has named `len` bytes at `where`. Where that is in the area, for give; false for
 * bytes that are not in it, or not in one buffer: then there is no reference. */
bool sea__area_take(sea_area_t *area, uint64_t where, uint32_t len, uint32_t *offset);
/* Gives one reference back, by any offset into its piece. False when none is out. */
bool sea__area_give(sea_area_t *area, uint32_t offset);
/* Shows the kernel what was given back, as far as the refill ring has room. */
void sea__area_publish(sea_area_t *area);

/* How many entries of the refill ring the kernel has not taken yet. */
static inline uint32_t
sea__area_waiting(const sea_area_t *area)
{
  uint32_t n = area->tail - atomic_load_explicit(area->setup.head, memory_order_acquire);
  return n <= area->setup.entry_count ? n : 0; /* nonsense otherwise, as in publish */
}

static inline char *
sea__area_data(const sea_area_t *area, uint32_t offset)
{
  return area->setup.base + offset;
}

#endif
