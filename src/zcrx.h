/* Zero-copy receive: the network card writes what a connection receives into memory of ours (the
 * area, area.h), and a completion tells where. It takes a receive queue of the card for this ring
 * alone, CAP_NET_ADMIN, and a ring with 32-byte completions; without any of them the server
 * receives as usual, and `state` has the reason.
 *
 * What comes by another queue or card, or with its headers, the kernel copies to buffers of the
 * area that nobody uses. What went back by the refill ring is for the card, until the card has
 * asked or a *flush* has made the kernel take it (6.19). When it has no buffer, the receive
 * ends with -ENOMEM and nothing is lost: the connection takes a *detour*, an ordinary receive into
 * the ordinary buffers. That one ends with -EFAULT, and takes nothing, at the first bytes that only
 * a zero-copy receive can read. */
#ifndef SEA_ZCRX_H
#define SEA_ZCRX_H

#include "area.h"
#include "list.h"
#include "ring.h"
#include "sea.h"

struct sea_conn;

typedef struct sea_zcrx {
  int32_t state; /* SEA_PATH_*, or the -errno for which it is off */
  uint32_t queue_id;
  bool flushes; /* the kernel can be made to empty the refill ring, 6.19 */
  sea_area_t area;
  void *memory; /* of the area */
  size_t memory_size;
  void *refill; /* the refill ring, shared with the kernel */
  size_t refill_size;
  uint64_t where;    /* the second half of the completion that is being handled */
  sea_list_t stuck;  /* connections for which neither way works for now: tried again */
  uint64_t retry_ms; /* when */
} sea_zcrx_t;

/* Registers the queue that the options name. The ring is a wide one, and not enabled yet. */
int sea__zcrx_init(sea_zcrx_t *zcrx, sea_ring_t *ring, const sea_options_t *options);
/* When the ring is gone, and nobody reads from the area any more. */
void sea__zcrx_deinit(sea_zcrx_t *zcrx);

#endif
