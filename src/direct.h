/* The host's own way to the socket, past the command ring: one send(2) that does not wait. It saves
 * the wake-up of a worker that sleeps, and costs the host the system call.
 *
 * It may be taken only when every byte given before has left: then order holds, whoever sends. The
 * host counts the sends it gave, the worker those that are over. */
#ifndef SEA_DIRECT_H
#define SEA_DIRECT_H

#include "loop.h"

/* -- host -- */

/* A SEND was given. */
void sea__direct_given(sea_loop_t *loop, sea_conn_id_t id);
/* See sea_send_now(). */
ssize_t sea__direct_send(sea_loop_t *loop, sea_conn_id_t id, const void *data, size_t len);

#endif
