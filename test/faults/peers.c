#include "peers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shim.h"
#include "support.h"

#define PIECE 65536U
#define WRITES 32U /* of a peer, about */

static void
must(bool condition, const char *what)
{
  if (!condition) {
    fault_fail(what);
  }
}

/* 1 to max, of any magnitude alike. */
static uint64_t
any_size(uint64_t max)
{
  uint32_t bits = 0;
  while (max >> bits != 0) {
    bits++;
  }
  uint64_t size = 1 + fault_random() % (1ULL << fault_random() % bits);
  return size < max ? size : max;
}

void
peers_begin(peers_t *peers, uint16_t port, bool some_leave)
{
  peers->port = port;
  for (uint32_t i = 0; i < peers->n; i++) {
    peer_t *peer = &peers->list[i];
    *peer = (peer_t){.fd = -1, .seed = i, .bytes = any_size(peers->write_max * WRITES)};
    peer->wanted = peer->bytes;
    if (peers->script != NULL) {
      peers->script(peers, peer);
    }
    if (some_leave && fault_random() % 3 == 0) {
      peer->end = fault_random() % 2 == 0 ? PEER_RESETS : PEER_LEAVES;
      uint64_t least = peer->bytes < peer->wanted ? peer->bytes : peer->wanted;
      peer->end_at = fault_random() % (least + 1);
    }
  }
}

static void
finish(peers_t *peers, peer_t *peer)
{
  if (peer->fd >= 0) {
    close(peer->fd);
  }
  free(peer->ask);
  free(peer->answer);
  peer->ask = peer->answer = NULL;
  peer->done = true;
  peers->moved++;
}

static void
join_in(peers_t *peers, peer_t *peer)
{
  peer->fd = client_try_connect(peers->port);
  peer->connected = true;
  peers->moved++;
  if (peer->fd < 0) {
    must(peers->cut, "a connection was refused");
    finish(peers, peer);
  }
}

static void
leave(peers_t *peers, peer_t *peer)
{
  if (peer->end == PEER_RESETS) {
    client_reset(peer->fd);
    peer->fd = -1;
  }
  finish(peers, peer);
}

static void
end_stream(peers_t *peers, peer_t *peer)
{
  must(shutdown(peer->fd, SHUT_WR) == 0 || peers->cut, "shutdown failed");
  peer->ended = true;
  peers->moved++;
}

static void
write_some(peers_t *peers, peer_t *peer)
{
  static char piece[PIECE];
  uint64_t left = peer->bytes - peer->sent;
  uint64_t len = any_size(left < peers->write_max ? left : peers->write_max);
  if (peer->ask != NULL) {
    memcpy(piece, peer->ask + peer->sent, len);
  } else {
    pattern_fill(piece, len, peer->seed, peer->sent);
  }
  ssize_t n = send(peer->fd, piece, len, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0 && errno != EAGAIN) {
    must(peers->cut, "a peer could not write");
    finish(peers, peer);
    return;
  }
  peer->sent += n > 0 ? (uint64_t)n : 0;
  peers->moved += n > 0;
}

/* How many of these bytes are the next ones of the answer. */
static size_t
agreeing(const peer_t *peer, const char *bytes, size_t len)
{
  const char *answer = peer->answer + peer->received;
  uint64_t most = peer->wanted - peer->received;
  size_t n = 0;
  while (n < len && n < most && (bytes[n] == answer[n] || answer[n] == PEER_ANY_BYTE)) {
    n++;
  }
  return n;
}

static bool
is_expected(const peers_t *peers, peer_t *peer, const char *bytes, size_t len)
{
  if (peer->answer == NULL) {
    return len <= peer->wanted - peer->received &&
           pattern_matches(bytes, len, peer->seed, peer->received);
  }
  size_t n = agreeing(peer, bytes, len);
  uint64_t at = peer->received + n;
  for (uint32_t i = 0; n < len && peers->cut && peers->excuse(peer, at, i); i++) {
    n = agreeing(peer, bytes, len);
  }
  return n == len;
}

static void
read_some(peers_t *peers, peer_t *peer)
{
  static char piece[PIECE];
  ssize_t n = recv(peer->fd, piece, any_size(sizeof piece), MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) {
    return;
  }
  if (n > 0) {
    must(is_expected(peers, peer, piece, (size_t)n), "a wrong byte came back");
    peer->received += (uint64_t)n;
    must(peer->answer != NULL || peer->received <= peer->sent, "more came back than was sent");
    peers->moved++;
    return;
  }
  must(n == 0 || peers->cut, "a peer could not read");
  bool due = peer->received == peer->wanted && (peer->sent == peer->bytes || peer->closes);
  must((due && (peer->ended || peer->closes)) || peers->cut, "the stream ended too early");
  finish(peers, peer);
}

/* Any that is not done, or NULL. */
static peer_t *
choose(peers_t *peers)
{
  uint32_t first = fault_random();
  for (uint32_t i = 0; i < peers->n; i++) {
    peer_t *peer = &peers->list[(first + i) % peers->n];
    if (!peer->done) {
      return peer;
    }
  }
  return NULL;
}

void
peers_step(peers_t *peers)
{
  peer_t *peer = choose(peers);
  if (peer == NULL) {
    return;
  }
  if (!peer->connected) {
    join_in(peers, peer);
  } else if (peer->end != PEER_WHOLE && peer->received >= peer->end_at &&
             peer->sent >= peer->end_at) {
    leave(peers, peer);
  } else if (peer->sent < peer->bytes && fault_random() % 2 == 0) {
    write_some(peers, peer);
  } else if (peer->sent == peer->bytes && !peer->ended) {
    end_stream(peers, peer);
  } else {
    read_some(peers, peer);
  }
}

bool
peers_done(const peers_t *peers)
{
  for (uint32_t i = 0; i < peers->n; i++) {
    if (!peers->list[i].done) {
      return false;
    }
  }
  return true;
}

void
peers_end(peers_t *peers)
{
  for (uint32_t i = 0; i < peers->n; i++) {
    if (!peers->list[i].done) {
      finish(peers, &peers->list[i]);
    }
  }
}
