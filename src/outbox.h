/* Sends whose bytes the core keeps (payload.h): the host's verbs, and the worker's half.
 *
 * The host counts the sends it has given to a connection, the worker those that are done. Their
 * difference is what the connection has queued, and what the host refuses to exceed. A refusal asks
 * the worker, by command, for a DRAIN event: the ring keeps the question in order with the sends
 * before it, so it cannot miss the completion that makes room. */
#ifndef SEA_OUTBOX_H
#define SEA_OUTBOX_H

#include "loop.h"

/* -- host; see sea_post() and sea_broadcast() -- */

int sea__outbox_post(sea_loop_t *loop, sea_outgoing_t *entries, uint32_t n, bool finish);
uint32_t sea__outbox_broadcast(sea_loop_t *loop, const sea_conn_id_t *ids, uint32_t n,
                               sea_outgoing_t *what, uint32_t *stopped);

#endif
