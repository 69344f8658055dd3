/* The connection table: slots in segments that never move, a free list, and the lock under which
 * the host may use a connection's socket. */
#ifndef SEA_SLAB_H
#define SEA_SLAB_H

#include <pthread.h>
#include <stdatomic.h>

#include "conn.h"

#define SEA_SEGMENT_BITS 8
#define SEA_SEGMENT_SLOTS (1U << SEA_SEGMENT_BITS)
#define SEA_SEGMENTS_MAX 4096U /* about a million connections */

typedef struct sea_slab {
  sea_conn_t *_Atomic *segments; /* SEA_SEGMENTS_MAX pointers, filled from the front */
  uint32_t segments_used;
  sea_list_t free;
  /* Taken by the worker to close a socket and by the host to use one; never in steady traffic. It
   * keeps the fd number from being closed, and reused by another connection, under the host. */
  pthread_mutex_t fd_lock;
} sea_slab_t;

int sea__slab_init(sea_slab_t *slab);
void sea__slab_deinit(sea_slab_t *slab);

/* -- worker -- */

/* An OPEN slot with a new generation, or NULL when the table is full or memory is out. */
sea_conn_t *sea__slab_open(sea_slab_t *slab, int fd);
/* CLOSED -> FREE. */
void sea__slab_free(sea_slab_t *slab, uint32_t slot);
/* The connection with that slot and generation, or NULL when it is not there (any more). */
sea_conn_t *sea__slab_find(const sea_slab_t *slab, uint32_t slot, uint32_t generation);
/* Closes the socket. */
void sea__slab_close_fd(sea_slab_t *slab, sea_conn_t *conn);
/* Calls fn for every slot that is OPEN or CLOSING. */
void sea__slab_each(sea_slab_t *slab, void (*fn)(sea_conn_t *conn, void *arg), void *arg);

/* -- host -- */

/* Locks the table and returns the connection's fd, or unlocked -ENOTCONN. */
int sea__slab_lock_fd(sea_slab_t *slab, sea_conn_id_t id);
void sea__slab_unlock(sea_slab_t *slab);
/* The connection while its socket is there, or NULL. Of it, the host may use what is its own, until
 * it has consumed the CLOSED event: no sooner is the slot used again. */
sea_conn_t *sea__slab_reach(const sea_slab_t *slab, sea_conn_id_t id);
uint64_t sea__slab_queued(sea_slab_t *slab, sea_conn_id_t id);
uint32_t sea__slab_heads(sea_slab_t *slab, sea_conn_id_t id);

#endif
