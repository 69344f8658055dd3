#include "play.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

/* Turns without any effect before everybody is taken to be waiting, and naps before a test hangs.
 */
#define FRUITLESS_TURNS 40U
#define FRUITLESS_NAPS 6000U
/* Steps of a worker that says it is busy, without any effect on anybody else. */
#define FRUITLESS_STEPS 200000U

/* A server without a worker: the test runs it, and lets it sleep as long as it may. */
static struct {
  host_t *host; /* NULL = there is a worker */
  bool asleep;
  bool touched; /* the host has had commands for it since */
  uint64_t until_ms;
} driven;

static struct {
  uint64_t moved; /* when it last changed: */
  uint32_t turns;
  uint32_t naps;
  uint32_t steps;
} idle;

static void
look_at(uint64_t moved)
{
  if (moved != idle.moved) {
    idle.moved = moved;
    idle.turns = idle.naps = idle.steps = 0;
  }
}

static void
wait_a_little(void)
{
  fault_nap();
  if (++idle.naps > FRUITLESS_NAPS) {
    fault_fail("it hangs");
  }
}

static fault_worker_t
run_inline(void)
{
  sea_server_t *server = driven.host->server;
  struct pollfd wake = {.fd = sea_inline_fd(server), .events = POLLIN};
  eventfd_t count;
  bool woken = poll(&wake, 1, 0) > 0;
  fault_clock_tick();
  if (driven.asleep && !woken && !driven.touched && fault_clock_ms() < driven.until_ms) {
    return WORKER_WAITING;
  }
  if (woken) {
    assert_int_equal(eventfd_read(wake.fd, &count), 0);
  }
  sea_inline_wake(server);
  driven.touched = false;
  driven.asleep = !inline_run(server);
  int64_t wait_ms = sea_inline_wait_ms(server);
  driven.until_ms = wait_ms < 0 ? UINT64_MAX : fault_clock_ms() + (uint64_t)wait_ms;
  return driven.asleep ? WORKER_WAITING : WORKER_RAN;
}

static fault_worker_t
let_work(void)
{
  fault_worker_t state = driven.host != NULL ? run_inline() : fault_worker_step();
  idle.steps += state == WORKER_RAN;
  if (idle.steps > FRUITLESS_STEPS) {
    fault_fail("it spins");
  }
  return state;
}

/* In the place of poll(2) in the host: it is the worker's time to ring. */
int
play_poll(struct pollfd *bell, nfds_t n, int timeout_ms)
{
  (void)timeout_ms;
  if (poll(bell, n, 0) > 0) {
    look_at(idle.moved + 1);
    return 1;
  }
  /* An inline server runs in host_turn(). */
  if (driven.host != NULL || let_work() != WORKER_RAN) {
    wait_a_little();
  }
  return poll(bell, n, 0);
}

/* -- a host that posts ------------------------------------------------------------------------ */

/* Those of a connection that were refused wait in its own list, and the FIN behind them. */
static bool
post(host_t *host, host_conn_t *conn)
{
  while (conn->first != NULL) {
    sea_outgoing_t entry = {.id = conn->id, .data = conn->first->bytes, .len = conn->first->len};
    int error = sea_post(host->server, &entry, 1, false);
    if (error == -EAGAIN || error == -ENOBUFS || error == -ENOMEM) {
      return false;
    }
    host_acknowledge(conn);
  }
  return true;
}

static void
keep_and_post(host_t *host, host_conn_t *conn, const void *bytes, size_t len)
{
  host_chunk_t *chunk = malloc(sizeof *chunk + len);
  chunk->next = NULL;
  chunk->len = len;
  memcpy(chunk->bytes, bytes, len);
  if (conn->last == NULL) {
    conn->first = chunk;
  } else {
    conn->last->next = chunk;
  }
  conn->last = chunk;
  post(host, conn);
}

static void
post_what_waits(host_t *host)
{
  for (uint32_t i = 0; i < host->opened; i++) {
    host_conn_t *conn = &host->conns[i];
    bool waited = conn->first != NULL;
    if (!conn->closed && waited && post(host, conn) && conn->ended) {
      host_shutdown(host, conn);
    }
    driven.touched |= waited;
  }
  sea_flush(host->server);
}

static void
shut_when_posted(host_t *host, host_conn_t *conn)
{
  if (conn->first == NULL) {
    host_shutdown(host, conn);
  }
}

/* -- a host that sends past the worker when it may --------------------------------------------- */

static void
send_now_or_later(host_t *host, host_conn_t *conn, const void *bytes, size_t len)
{
  ssize_t sent = 0;
  /* What was refused has not been given, so the core cannot know that it comes first. */
  if (host->waiting == NULL && fault_random() % 2 == 0) {
    sent = sea_send_now(host->server, conn->id, bytes, len);
  }
  sent = sent < 0 ? 0 : sent; /* what follows meets the error, too */
  if ((size_t)sent < len) {
    host_send(host, conn, (const char *)bytes + sent, len - (size_t)sent);
  }
}

/* -- turns ------------------------------------------------------------------------------------ */

void
play_options(play_t *play, sea_options_t *options, uint32_t time_limit_ms)
{
  options->echo = play->mode == PLAY_ECHO;
  options->idle_ms = time_limit_ms;
  if (play->mode == PLAY_HTTP || play->mode == PLAY_FACADE) {
    web_options(options, play->mode == PLAY_FACADE, time_limit_ms);
    play->peers.script = web_script;
    play->peers.excuse = web_excuse;
  }
}

void
play_begin(play_t *play)
{
  memset(&idle, 0, sizeof idle);
  memset(&driven, 0, sizeof driven);
  driven.host = play->host->inline_driver ? play->host : NULL;
  host_echo(play->host);
  play->host->on_data = send_now_or_later;
  if (play->mode == PLAY_POST) {
    play->host->posts = true;
    play->host->on_data = keep_and_post;
    play->host->on_end = shut_when_posted;
  }
  if (play->mode == PLAY_HTTP || play->mode == PLAY_FACADE) {
    web_begin(play->host);
  }
}

/* The host does something to one of its connections, of its own accord. */
static void
meddle(play_t *play)
{
  host_t *host = play->host;
  if (host->opened == 0 || play->mode == PLAY_ECHO) {
    return;
  }
  host_conn_t *conn = &host->conns[fault_random() % host->opened];
  if (conn->closed) {
    return;
  }
  uint32_t what = fault_random() % 64;
  bool pauses = play->pauses && play->mode != PLAY_HTTP; /* there the worker does that */
  driven.touched |= what < 48;
  if (play->cuts && what == 0) {
    host_close(host, conn, fault_random() % 2 == 0);
  } else if (pauses && what < 32) {
    host_pause(host, conn);
    host_resume(host, conn);
  } else if (pauses && what < 48) {
    host_resume(host, conn);
  }
  sea_flush(host->server);
}

static void
host_moves(play_t *play)
{
  struct pollfd bell = {.fd = play->host->bell, .events = POLLIN};
  if (play->mode == PLAY_POST) {
    post_what_waits(play->host);
  } else if (play->mode == PLAY_HTTP && web_answer(play->host)) {
    driven.touched = true;
    sea_flush(play->host->server);
  }
  if (poll(&bell, 1, 0) > 0) {
    host_turn(play->host);
    driven.asleep = false;
  }
  if (play->pauses || play->cuts) {
    meddle(play);
  }
}

void
play_turn(play_t *play)
{
  uint32_t whose = fault_random() % 8;
  if (whose < 3) {
    peers_step(&play->peers);
  } else if (whose < 5) {
    host_moves(play);
  } else {
    uint32_t steps = 1 + fault_random() % 8;
    while (steps-- > 0 && let_work() == WORKER_RAN) {
    }
  }
  const host_t *host = play->host;
  look_at(play->peers.moved + host->received + host->opened + host->closed);
  if (++idle.turns > FRUITLESS_TURNS) {
    wait_a_little();
    idle.turns = 0;
  }
}
