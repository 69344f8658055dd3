/* Zero-copy sends: from the host's memory, or from memory that is registered with the ring.
 *
 * Such a send completes twice. First its result comes, then, when the peer has acknowledged the
 * bytes, the notification that the kernel does not need them any more. A connection's next send
 * waits for both, so its order and the life of its bytes are as with any other send. It pays for
 * long sends through network cards that can gather; on loopback the kernel copies all the same,
 * says so, and the connection goes on without. */
#ifndef SEA_ZEROCOPY_H
#define SEA_ZEROCOPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ring.h"
#include "sea.h"

#define SEA_SEND_BUFFERS_MAX 1024

/* Registered memory that bytes are copied to. */
typedef struct sea_send_buffers {
  int32_t state; /* SEA_PATH_*, or the -errno for which it is off */
  char *base;
  uint32_t count;
  uint32_t size;
  uint16_t *free; /* stack */
  uint32_t free_count;
} sea_send_buffers_t;

typedef struct sea_zero_copy {
  int32_t state; /* likewise */
  size_t min;    /* bytes */
  bool gathered; /* sendmsg can do it too: 6.1 */
  bool reports;  /* notifications tell whether the kernel copied: 6.2 */
  sea_send_buffers_t buffers;
} sea_zero_copy_t;

/* What cannot be had is off, with the reason in its state. */
void sea__zero_copy_init(sea_zero_copy_t *zero_copy, sea_ring_t *ring,
                         const sea_options_t *options);
void sea__zero_copy_deinit(sea_zero_copy_t *zero_copy);

#endif
