/* HTTP in a play: what its peers ask and are to be answered, and the host that answers. */
#ifndef WEB_H
#define WEB_H

#include "peers.h"
#include "support.h"

/* Makes a server of these options speak HTTP; for host_start() only. */
void web_options(sea_options_t *options, bool facade, uint32_t time_limit_ms);
/* Gives the host's callbacks. */
void web_begin(host_t *host);
/* Writes what the peer asks, and what it is to be answered. */
void web_script(peers_t *peers, peer_t *peer);
/* A refusal for want of memory or time, in the place of the answer at this byte and those behind.
 */
bool web_excuse(peer_t *peer, uint64_t at, uint32_t n);
/* Answers some of the requests that wait, in any order. False when there was none. */
bool web_answer(host_t *host);
/* Fails unless everything was asked, answered and given back exactly once. */
void web_check(const host_t *host, const peers_t *peers);

#endif
