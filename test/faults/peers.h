/* Clients in the test's own thread, a step at a time. Each writes its pattern and compares what
 * comes back, or follows a script; some leave before. */
#ifndef PEERS_H
#define PEERS_H

#include <stdbool.h>
#include <stdint.h>

#define PEERS_MAX 16U
#define PEER_ANY_BYTE 1 /* in an answer */

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
  uint64_t wanted; /* bytes that are to come back */
  char *ask;       /* what it writes, and */
  char *answer;    /* what is to come back; NULL = the pattern, both ways */
  bool closes;     /* the server is to end first */
  peer_end_t end;
  uint64_t end_at; /* bytes received, or sent when nothing comes back */
  bool connected;
  bool ended; /* FIN has been sent */
  bool done;
} peer_t;

typedef struct peers {
  /* NULL, or sets bytes, wanted, ask, answer and closes; the texts are freed here. */
  void (*script)(struct peers *peers, peer_t *peer);
  /* Something else came, at this byte: writes the n-th other way to end the answer, if there is. */
  bool (*excuse)(peer_t *peer, uint64_t at, uint32_t n);
  peer_t list[PEERS_MAX];
  uint32_t n;
  uint16_t port;
  uint32_t write_max;
  bool cut;       /* the server may end connections at any time, or refuse them */
  uint64_t moved; /* bytes, ends and beginnings so far */
} peers_t;

/* n, write_max, cut and script are set already. */
void peers_begin(peers_t *peers, uint16_t port, bool some_leave);
/* One of them does something, if it can. */
void peers_step(peers_t *peers);
bool peers_done(const peers_t *peers);
/* Those who are still there close. */
void peers_end(peers_t *peers);

#endif
