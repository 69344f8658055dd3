/* One core server behind one JavaScript object. Everything here runs on the JavaScript thread,
 * except the doorbell, which the worker rings. */
#ifndef SEA_NAPI_TRANSPORT_H
#define SEA_NAPI_TRANSPORT_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sea.h"

/* JavaScript-owned memory that received bytes are copied into, until it is full. */
typedef struct sea_napi_slab {
  napi_ref ref; /* the Buffer */
  char *data;
  size_t len;
  size_t used;
} sea_napi_slab_t;

typedef struct sea_napi_transport {
  napi_env env;
  sea_server_t *core; /* NULL once released */
  uint32_t holders;   /* of this struct: the JavaScript object, the threadsafe function */

  sea_driver_t driver;
  napi_threadsafe_function doorbell;     /* of the worker */
  struct sea_napi_inline *inline_driver; /* or this, until it is released */
  napi_ref on_batch;                     /* JavaScript: (count) => void, see events.c */
  napi_ref on_slab;  /* JavaScript: (small) => Buffer, memory for received bytes */
  napi_ref on_later; /* JavaScript: () => void, calls drain() in a turn of its own */

  napi_ref records_ref; /* Int32Array that on_batch reads */
  int32_t *records;
  uint32_t records_max; /* events per batch */

  /* Small and large chunks do not share memory, so that keeping a small one keeps little alive. */
  sea_napi_slab_t small;
  sea_napi_slab_t large;

  /* By slot: the last batch that had an event of it. Keeps a batch to one event per connection. */
  uint32_t *seen;
  uint32_t seen_len;
  uint32_t batch;
  bool mixed; /* a batch may have several events of a connection */

  struct sea_napi_scratch *scratch; /* raw_verbs.c */
  uint64_t
      burst_us; /* when the batches that come without a turn of the event loop began; 0 = none */
} sea_napi_transport_t;

/* The raw API's, see raw_verbs.c: gives back the Buffer that kept sent bytes alive. */
void sea_napi_on_release(void *transport, void *holder);
void sea_napi_scratch_free(sea_napi_transport_t *transport);

/* createTransport(options, records, onBatch, onSlab, onLater) */
napi_value sea_napi_create_transport(napi_env env, napi_callback_info info);

/* Stops the worker, frees the core server and lets the process end. Idempotent. */
void sea_napi_transport_release(sea_napi_transport_t *transport);
void sea_napi_transport_drop(sea_napi_transport_t *transport);

/* events.c: answers the doorbell on the JavaScript thread, one batch per call. */
void sea_napi_on_doorbell(napi_env env, napi_value unused, void *context, void *data);
/* The same, called by JavaScript. */
void sea_napi_drain(sea_napi_transport_t *transport);
/* Rings: on the worker, or on the JavaScript thread for itself. */
void sea_napi_ring(void *transport);
/* Takes events and calls JavaScript with them, once. The server may be gone afterwards. */
void sea_napi_deliver(sea_napi_transport_t *t);
uint64_t sea_napi_now_us(void);

#endif
