/* Bytes that the core keeps until the last send of them is done, so that the host need not.
 *
 * The host makes a payload and gives it to one or more connections; each send holds it once. When
 * the last one is done the worker sends it home, and the host puts it back into its pool. So all
 * memory comes from and returns to the host thread: the worker neither allocates nor frees.
 *
 * The way home is a stack with one producer and one consumer. The worker gathers what a pass has
 * finished and pushes it with one compare-and-swap; the host takes everything with one exchange.
 * A stack needs no capacity, as a ring would, and the order of returning does not matter. */
#ifndef SEA_PAYLOAD_H
#define SEA_PAYLOAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base.h"
#include "list.h"

#define SEA_PAYLOAD_BINS 3

typedef struct sea_payload {
  struct sea_payload *next; /* in the pool, or on the way home */
  sea_list_t all;           /* host: every payload there is */
  const char *data;
  size_t len;
  void *holder; /* host: what keeps `data` alive when it lies elsewhere */
  _Atomic uint32_t refs;
  uint32_t bin; /* of the pool; SEA_PAYLOAD_BINS = none */
  char bytes[];
} sea_payload_t;

typedef struct sea_payloads {
  void (*on_release)(void *arg, void *holder); /* host thread */
  void *arg;
  sea_list_t all;
  sea_payload_t *pool[SEA_PAYLOAD_BINS];
  uint32_t pooled[SEA_PAYLOAD_BINS];

  _Alignas(SEA_CACHE_LINE) _Atomic(sea_payload_t *) home; /* finished, for the host to take */

  _Alignas(SEA_CACHE_LINE) sea_payload_t *done; /* worker: finished in this pass */
  sea_payload_t *done_last;
} sea_payloads_t;

void sea__payloads_init(sea_payloads_t *payloads, void (*on_release)(void *arg, void *holder),
                        void *arg);
/* No other thread may use them any more. */
void sea__payloads_deinit(sea_payloads_t *payloads);

/* -- host -- */

/* One that the caller holds once: with a copy of the bytes or, if there is a holder, with the bytes
 * where they are. NULL when memory is out. */
sea_payload_t *sea__payload_make(sea_payloads_t *payloads, const void *data, size_t len,
                                 void *holder);
/* One with room for so many bytes, to be filled in. */
sea_payload_t *sea__payload_blank(sea_payloads_t *payloads, size_t room);
static inline void
sea__payload_hold(sea_payload_t *payload)
{
  atomic_fetch_add_explicit(&payload->refs, 1, memory_order_relaxed);
}
/* The host's own hold ends. */
void sea__payload_drop(sea_payloads_t *payloads, sea_payload_t *payload);
/* Takes back what the worker has finished. */
void sea__payloads_collect(sea_payloads_t *payloads);

static inline bool
sea__payloads_waiting(const sea_payloads_t *payloads)
{
  return atomic_load_explicit(&payloads->home, memory_order_relaxed) != NULL;
}

/* -- worker -- */

/* A send of it is done. */
void sea__payload_done(sea_payloads_t *payloads, sea_payload_t *payload);
/* Sends home what was finished since the last call. */
void sea__payloads_publish(sea_payloads_t *payloads);

#endif
