/* One run: a host, its server and the peers, which take turns in an order drawn from the seed. */
#ifndef PLAY_H
#define PLAY_H

#include "peers.h"
#include "shim.h"
#include "support.h"

/* Who sends back. */
typedef enum play_mode {
  PLAY_SEND, /* the host, with sea_send() */
  PLAY_POST, /* the host, with sea_post() */
  PLAY_ECHO, /* the worker */
  PLAY_MODES
} play_mode_t;

typedef struct play {
  host_t *host;
  peers_t peers;
  play_mode_t mode;
  bool pauses; /* the host stops reading now and then */
  bool cuts;   /* it closes connections at will */
} play_t;

/* Gives the host's callbacks to a host that is made already. */
void play_begin(play_t *play);
/* One turn of anybody. Fails the test when nothing has happened for too long. */
void play_turn(play_t *play);
#define play_until(play, condition) \
  do {                              \
    play_turn(play);                \
  } while (!(condition))

#endif
