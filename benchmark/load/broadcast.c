/* Broadcasts: a byte on the last connection, which the server sees after all others have been
 * accepted, asks for a message to all of them, and the next is asked for when everybody has it. A
 * message is `size` bytes of its number. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dial.h"
#include "modes.h"

#define EVENTS 256
#define TICK_MS 100
#define READ_BYTES 65536u

typedef struct {
  sea_run_t *run;
  const sea_load_options_t *options;
  int epoll;
  int *fds;
  uint64_t *positions; /* bytes received, by connection */
  uint8_t *bytes;
  uint64_t received; /* bytes, by all */
  uint64_t asked;    /* messages */
  uint64_t complete; /* messages that everybody has */
  uint64_t asked_ns;
} crowd_t;

static void
ask(crowd_t *crowd)
{
  const uint8_t byte = 1;
  crowd->asked++;
  crowd->asked_ns = crowd->run->now_ns;
  if (send(crowd->fds[crowd->options->connections - 1], &byte, 1, MSG_NOSIGNAL) != 1) {
    sea__run_error(crowd->run, "asking", errno);
  }
}

static bool
matches(const crowd_t *crowd, uint64_t position, size_t len)
{
  const uint32_t size = crowd->options->size;
  return crowd->bytes[0] == (uint8_t)(position / size) &&
         crowd->bytes[len - 1] == (uint8_t)((position + len - 1) / size);
}

/* Deliveries are counted as their last byte comes. */
static void
read_some(crowd_t *crowd, uint32_t index)
{
  const uint32_t size = crowd->options->size;
  ssize_t n = recv(crowd->fds[index], crowd->bytes, READ_BYTES, MSG_DONTWAIT);
  if (n <= 0) {
    if (n == 0 || errno != EAGAIN) sea__run_error(crowd->run, "recv", n == 0 ? EPIPE : errno);
    return;
  }
  const uint64_t from = crowd->positions[index];
  if (!matches(crowd, from, (size_t)n)) {
    sea__run_error(crowd->run, "a broadcast with wrong bytes", 0);
  }
  crowd->positions[index] += (uint64_t)n;
  crowd->received += (uint64_t)n;
  sea__run_received(crowd->run, (uint64_t)n);
  for (uint64_t i = from / size; i < crowd->positions[index] / size; i++) {
    sea__run_complete(crowd->run, crowd->asked_ns);
  }
}

static void
take(crowd_t *crowd)
{
  const uint64_t message = (uint64_t)crowd->options->size * crowd->options->connections;
  struct epoll_event events[EVENTS];
  int n = epoll_wait(crowd->epoll, events, EVENTS, TICK_MS);
  sea__run_tick(crowd->run);
  for (int i = 0; i < n; i++) {
    read_some(crowd, events[i].data.u32);
  }
  while (crowd->received >= (crowd->complete + 1) * message) {
    crowd->complete++;
    if (sea__run_is_sending(crowd->run)) ask(crowd);
  }
}

static int
open_all(crowd_t *crowd)
{
  for (uint32_t i = 0; i < crowd->options->connections; i++) {
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
    crowd->fds[i] = sea__dial(crowd->options);
    if (crowd->fds[i] < 0) return crowd->fds[i];
    if (epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, crowd->fds[i], &event) < 0) return -errno;
  }
  return 0;
}

static void
play(crowd_t *crowd)
{
  sea__run_start(crowd->run);
  sea__run_announce(crowd->run, "open");
  for (uint32_t i = 0; i < crowd->options->pipeline; i++) {
    ask(crowd);
  }
  while (crowd->run->phase != SEA_RUN_DONE) {
    if (crowd->run->phase == SEA_RUN_DRAIN && crowd->complete == crowd->asked) break;
    take(crowd);
  }
  if (crowd->complete != crowd->asked) sea__run_error(crowd->run, "a broadcast got lost", 0);
}

int
sea__load_broadcast(sea_run_t *run, const sea_load_options_t *options)
{
  const uint32_t n = options->connections;
  int rc = sea__dial_allow_files(n + 64);
  if (rc < 0) return rc;
  crowd_t crowd = {.run = run, .options = options, .epoll = epoll_create1(EPOLL_CLOEXEC)};
  crowd.fds = malloc(n * sizeof(*crowd.fds));
  crowd.positions = calloc(n, sizeof(*crowd.positions));
  crowd.bytes = malloc(READ_BYTES);
  rc = crowd.epoll < 0 || !crowd.fds || !crowd.positions || !crowd.bytes ? -ENOMEM : 0;
  if (rc == 0) {
    memset(crowd.fds, 0xff, n * sizeof(*crowd.fds));
    rc = open_all(&crowd);
  }
  if (rc == 0) play(&crowd);
  for (uint32_t i = 0; crowd.fds && i < n; i++) {
    if (crowd.fds[i] >= 0) close(crowd.fds[i]);
  }
  if (crowd.epoll >= 0) close(crowd.epoll);
  free(crowd.fds);
  free(crowd.positions);
  free(crowd.bytes);
  return rc;
}
