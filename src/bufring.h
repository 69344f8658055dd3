/* The provided buffer ring: memory the kernel receives into, chosen by it, named by 16-bit ids.
 * A buffer is the kernel's from recycle until a CQE names it, then ours until recycled again.
 *
 * The kernel takes buffers in the order in which they were given, so everything it holds is cycled
 * through. Only as many as the load has asked for are therefore given to it; the others lie on a
 * stack, untouched if never needed. That keeps the buffers in use in the cache, and an idle server
 * from having touched them all.
 *
 * Two kernel features change how a buffer is filled, and exclude each other (kernels that have both
 * mixed up data when both were used):
 *   bundles      one receive fills several buffers, in the order in which they were given
 *   incremental  several receives fill one buffer, one behind the other; it is ours only when the
 *                kernel says so, and recycled when each part of it has been */
#ifndef SEA_BUFRING_H
#define SEA_BUFRING_H

#include "ring.h"

#define SEA_BUFFER_GROUP 0

/* Of an incremental buffer. */
typedef struct sea_bufring_share {
  uint32_t used;    /* bytes filled so far */
  uint32_t holders; /* the kernel, and parts not yet recycled */
} sea_bufring_share_t;

typedef struct sea_bufring {
  struct io_uring_buf_ring *ring;
  char *base;
  uint32_t count;    /* power of two */
  uint32_t size;     /* bytes of each */
  uint32_t provided; /* with the kernel, as far as reaped CQEs tell */
  uint32_t wanted;   /* how many should be; grows when the kernel runs out */
  uint32_t added;    /* given back but not yet shown to the kernel */
  uint16_t *spare;   /* stack of those neither with the kernel nor in use */
  uint32_t spare_count;
  uint16_t *next;              /* bundles: by id, the one given after it; NULL = none */
  uint16_t last_given;         /* bundles */
  sea_bufring_share_t *shares; /* incremental: by id; NULL = off */
} sea_bufring_t;

typedef enum sea_filling {
  SEA_FILL_WHOLE = 0, /* one receive, one buffer */
  SEA_FILL_BUNDLES,
  SEA_FILL_INCREMENTAL,
} sea_filling_t;

/* Halves count on -ENOMEM, down to one buffer. -EINVAL when the kernel knows nothing of that way of
 * filling. */
int sea__bufring_init(sea_bufring_t *buffers, sea_ring_t *ring, uint32_t count, uint32_t size,
                      sea_filling_t filling);
/* Stops the kernel from using the buffers; their memory stays readable. */
void sea__bufring_unregister(sea_ring_t *ring);
void sea__bufring_deinit(sea_bufring_t *buffers);

static inline char *
sea__bufring_data(const sea_bufring_t *buffers, uint16_t id)
{
  return buffers->base + (size_t)id * buffers->size;
}

/* A receive has put len bytes into this buffer; `more` will follow in it. Returns where they begin.
 * What was taken is to be recycled, once for each time. */
uint32_t sea__bufring_take(sea_bufring_t *buffers, uint16_t id, uint32_t len, bool more);

/* The buffer that a bundle goes on in after this one. */
static inline uint16_t
sea__bufring_next(const sea_bufring_t *buffers, uint16_t id)
{
  return buffers->next[id];
}

void sea__bufring_recycle(sea_bufring_t *buffers, uint16_t id);
/* The kernel has run out: gives it more, if it does not have some again or it is urgent. False when
 * there are none left but those in use. */
bool sea__bufring_grow(sea_bufring_t *buffers, bool urgent);
/* Shows the kernel what was recycled since the last call. */
void sea__bufring_publish(sea_bufring_t *buffers);

#endif
