/* Many connections at once in one thread: each writes its pattern and expects it back. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support.h"

#define PIECE 65536U
#define POLL_MS 1000

typedef struct line {
  uint32_t seed;
  uint64_t sent;
  uint64_t received;
} line_t;

static void
finish(struct pollfd *fd)
{
  close(fd->fd);
  fd->fd = -1; /* poll(2) passes over it */
}

static void
write_some(traffic_t *traffic, struct pollfd *fd, line_t *line, uint32_t *random)
{
  char piece[PIECE];
  uint64_t left = traffic->bytes - line->sent;
  uint64_t len = 1 + next_random(random) % traffic->write_max;
  len = len < left ? len : left;
  pattern_fill(piece, len, line->seed, line->sent);
  ssize_t n = send(fd->fd, piece, len, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0 && errno != EAGAIN) {
    client_must(traffic->cut);
    finish(fd);
    return;
  }
  line->sent += n > 0 ? (uint64_t)n : 0;
  if (line->sent == traffic->bytes) {
    client_must(shutdown(fd->fd, SHUT_WR) == 0 || traffic->cut);
    fd->events = POLLIN;
  }
}

static void
read_some(const traffic_t *traffic, struct pollfd *fd, line_t *line)
{
  char piece[PIECE];
  ssize_t n = recv(fd->fd, piece, sizeof piece, MSG_DONTWAIT);
  if (n > 0) {
    client_must(pattern_matches(piece, (size_t)n, line->seed, line->received));
    line->received += (uint64_t)n;
  } else if (n == 0) {
    client_must(line->received == traffic->bytes || traffic->cut);
    finish(fd);
  } else if (errno != EAGAIN) {
    client_must(traffic->cut);
    finish(fd);
  }
}

/* False when nothing is open any more. */
static bool
serve(traffic_t *traffic, struct pollfd *fds, line_t *lines, uint32_t *random)
{
  bool open = false;
  poll(fds, traffic->conns, POLL_MS);
  for (uint32_t i = 0; i < traffic->conns; i++) {
    if (fds[i].fd >= 0 && (fds[i].revents & (POLLIN | POLLERR | POLLHUP))) {
      read_some(traffic, &fds[i], &lines[i]);
    }
    if (fds[i].fd >= 0 && (fds[i].revents & POLLOUT)) {
      write_some(traffic, &fds[i], &lines[i], random);
    }
    open |= fds[i].fd >= 0;
  }
  return open;
}

static void *
run(void *arg)
{
  traffic_t *traffic = arg;
  uint32_t random = traffic->port;
  struct pollfd *fds = calloc(traffic->conns, sizeof *fds);
  line_t *lines = calloc(traffic->conns, sizeof *lines);
  for (uint32_t i = 0; i < traffic->conns; i++) {
    int fd = client_try_connect(traffic->port);
    client_must(fd >= 0 || traffic->cut);
    fds[i] = (struct pollfd){.fd = fd, .events = POLLIN | POLLOUT};
    lines[i].seed = i;
  }
  while (serve(traffic, fds, lines, &random)) {
  }
  free(fds);
  free(lines);
  traffic->done = true;
  return NULL;
}

void
traffic_start(traffic_t *traffic)
{
  traffic->done = false;
  client_must(traffic->write_max <= PIECE);
  client_must(pthread_create(&traffic->thread, NULL, run, traffic) == 0);
}

void
traffic_join(traffic_t *traffic)
{
  join(traffic->thread);
}
