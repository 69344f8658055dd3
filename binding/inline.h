/* The inline driver's other half: runs a server's loop from the event loop of its JavaScript
 * thread.
 *
 * Before the event loop sleeps, and whenever the ring wakes it, passes of the core and batches for
 * JavaScript take turns until neither has anything left, or for a while; then everybody else has a
 * turn. */
#ifndef SEA_NAPI_INLINE_H
#define SEA_NAPI_INLINE_H

#include "transport.h"

typedef struct sea_napi_inline sea_napi_inline_t;

/* Holds the transport until it is closed. NULL when memory is out. */
sea_napi_inline_t *sea_napi_inline_create(sea_napi_transport_t *transport);
/* Starts the server too. 0 or -errno. */
int sea_napi_inline_start(sea_napi_inline_t *driver);
/* There are events: notes it. */
void sea_napi_inline_ring(sea_napi_inline_t *driver);
/* It was given something, perhaps after it was asked whether the event loop may sleep. */
void sea_napi_inline_nudge(sea_napi_inline_t *driver);
/* Whether the server keeps the process alive. */
void sea_napi_inline_hold(sea_napi_inline_t *driver, bool hold);
/* The core is about to be destroyed: it is left alone from here on. */
void sea_napi_inline_stop(sea_napi_inline_t *driver);
/* Afterwards. Frees the driver, in a later turn of the event loop. */
void sea_napi_inline_close(sea_napi_inline_t *driver);

#endif
