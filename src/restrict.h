/* A ring that can do no more than this transport needs. What else io_uring has (opening files,
 * connecting, starting other rings' work) the kernel then refuses for this ring, whoever writes to
 * its memory. Like a seccomp filter, it cannot be taken back. */
#ifndef SEA_RESTRICT_H
#define SEA_RESTRICT_H

#include "ring.h"

typedef struct sea_needs {
  bool wake_read; /* the ring reads an eventfd */
  bool eventfd;   /* it is to write one, which is registered later */
  bool zero_copy;
  bool zero_copy_gathered;
  bool zcrx;
  bool zcrx_flush;
} sea_needs_t;

/* For a ring that is not enabled yet: 0, or -errno and it remains as free as any. */
int sea__restrict(sea_ring_t *ring, const sea_needs_t *needs);

#endif
