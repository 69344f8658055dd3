/* One run: a host, its server and the peers, which take turns in an order drawn from the seed. */
#ifndef PLAY_H
#define PLAY_H

#include "peers.h"
#include "shim.h"
#include "support.h"
#include "web.h"

/* Who sends back. */
typedef enum play_mode {
  PLAY_SEND,   /* the host, with sea_send() */
  PLAY_POST,   /* the host, with sea_post() */
  PLAY_ECHO,   /* the worker */
  PLAY_HTTP,   /* to requests: the worker, or the host with sea_http_respond() */
  PLAY_FACADE, /* likewise, but the host does all of HTTP that is not parsing */
  PLAY_MODES
} play_mode_t;

typedef struct play {
  host_t *host;
  peers_t peers;
  play_mode_t mode;
  bool pauses; /* the host stops reading now and then */
  bool cuts;   /* it closes connections at will */
} play_t;

/* Sets what the mode needs of a server, before it is made, and of the peers. A time limit of 0 ms
 * is none. */
void play_options(play_t *play, sea_options_t *options, uint32_t time_limit_ms);
/* Gives the host's callbacks to a host that is made already. */
void play_begin(play_t *play);
/* One turn of anybody. Fails the test when nothing has happened for too long. */
void play_turn(play_t *play);
#define play_until(play, condition) \
  do {                              \
    play_turn(play);                \
  } while (!(condition))

#endif
