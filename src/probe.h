/* Steps that every active probe is made of. Used on the thread that probes, with rings and sockets
 * that belong to the probe. */
#ifndef SEA_PROBE_H
#define SEA_PROBE_H

#include "ring.h"

#define SEA_PROBE_ENTRIES 8
#define SEA_PROBE_BUFFERS 4
#define SEA_PROBE_BUFFER_SIZE 64

/* A small ring with these IORING_SETUP_* flags. Waits a moment for locked memory. */
int sea__probe_ring(struct io_uring *ring, uint32_t flags);
/* Submits what is prepared and takes one completion. */
int sea__probe_complete(struct io_uring *ring, int32_t *result, uint32_t *flags);
/* Submits a NOP: a ring that can be set up need not be one that can be entered. */
int sea__probe_enter(struct io_uring *ring);
/* Whether fd has one of the events within so many ms; 0 is at once. Signals do not shorten it. */
bool sea__probe_wait(int fd, short events, int ms);
/* A connected pair of stream sockets: Unix ones, unless they are forbidden. */
int sea__probe_pair(int pair[2]);
/* A connected pair of TCP sockets on loopback: some features are for TCP, or see more with it. */
int sea__probe_tcp_pair(int pair[2]);

#endif
