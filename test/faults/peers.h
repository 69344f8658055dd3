/* Clients in the test's own thread, a step at a time. Each writes its pattern and compares what
 * comes back; some leave before. */
#ifndef PEERS_H
#define PEERS_H

#include <stdbool.h>
#include <stdint.h>

#define PEERS_MAX 16U

typedef enum peer_end {
  PEER_WHOLE = 0, /* reads all of it back, and then FIN */
  PEER_RESETS,    /* breaks off somewhere */
  PEER_LEAVES,    /* closes somewhere, whatever was still to come */
} peer_end_t;

typedef struct peer {
  int fd;
  uint32_t seed;
  uint64_t bytes;
  uint64_t sent;
  uint64_t received;
  peer_end_t end;
  uint64_t end_at; /* bytes received, or sent when nothing comes back */
  bool connected;
  bool ended; /* FIN has been sent */
  bool done;
} peer_t;

typedef struct peers {
  peer_t list[PEERS_MAX];
  uint32_t n;
  uint16_t port;
  uint32_t write_max;
  bool cut;       /* the server may end connections at any time, or refuse them */
  uint64_t moved; /* bytes, ends and beginnings so far */
} peers_t;

/* n, write_max and cut are set already. */
void peers_begin(peers_t *peers, uint16_t port, bool some_leave);
/* One of them does something, if it can. */
void peers_step(peers_t *peers);
bool peers_done(const peers_t *peers);
/* Those who are still there close. */
void peers_end(peers_t *peers);

#endif
