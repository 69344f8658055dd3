/* Slow readers against an echo server: every connection sends as fast as the server takes it, and
 * reads one message every 10 ms. A server that heeds backpressure soon takes no more; what it keeps
 * meanwhile is the result. In the end all is read, and all that was sent has to be there. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dial.h"
#include "modes.h"
#include "payload.h"

#define STRIDE 257u
#define PAUSE_NS UINT64_C(10000000)
#define SEND_BYTES 65536u
/* What the client's own kernel memory would hide of the server's behaviour. */
#define SOCKET_BYTES 65536

typedef struct {
  uint64_t sent;
  uint64_t received;
  uint64_t next_ns; /* when it may read again */
} reader_t;

typedef struct {
  sea_run_t *run;
  const sea_load_options_t *options;
  sea_payload_t payload;
  struct pollfd *polls;
  reader_t *readers;
  uint8_t *bytes;
} crowd_t;

static void
give_up(crowd_t *crowd, uint32_t i, const char *what, int error)
{
  sea__run_error(crowd->run, what, error);
  close(crowd->polls[i].fd);
  crowd->polls[i].fd = -1;
  crowd->readers[i].received = crowd->readers[i].sent;
}

static void
send_some(crowd_t *crowd, uint32_t i)
{
  reader_t *reader = &crowd->readers[i];
  const uint8_t *bytes = sea__payload_at(&crowd->payload, (uint64_t)i * STRIDE + reader->sent);
  const ssize_t n = send(crowd->polls[i].fd, bytes, SEND_BYTES, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n > 0) {
    reader->sent += (uint64_t)n;
  } else if (errno != EAGAIN) {
    give_up(crowd, i, "send", errno);
  }
}

static void
read_some(crowd_t *crowd, uint32_t i, uint32_t most)
{
  reader_t *reader = &crowd->readers[i];
  const uint32_t size = crowd->options->size;
  const ssize_t n = recv(crowd->polls[i].fd, crowd->bytes, most, MSG_DONTWAIT);
  if (n <= 0) {
    if (n == 0 || errno != EAGAIN) give_up(crowd, i, "recv", n == 0 ? EPIPE : errno);
    return;
  }
  const uint64_t position = (uint64_t)i * STRIDE + reader->received;
  if (reader->received + (uint64_t)n > reader->sent ||
      !sea__payload_matches(&crowd->payload, position, crowd->bytes, (size_t)n)) {
    give_up(crowd, i, "the echo differs from what was sent", 0);
    return;
  }
  const uint64_t before = reader->received / size;
  reader->received += (uint64_t)n;
  reader->next_ns = crowd->run->now_ns + PAUSE_NS;
  sea__run_received(crowd->run, (uint64_t)n);
  sea__run_count(crowd->run, reader->received / size - before);
}

static void
serve(crowd_t *crowd, uint32_t i, bool sending)
{
  struct pollfd *entry = &crowd->polls[i];
  if (entry->fd < 0) return;
  if (entry->revents & POLLOUT) send_some(crowd, i);
  if (entry->fd < 0 || !(entry->revents & (POLLIN | POLLHUP | POLLERR))) return;
  read_some(crowd, i, sending ? crowd->options->size : SEND_BYTES);
}

/* Waits for those that may do something now. Returns whether anything is still to come. */
static bool
turn(crowd_t *crowd)
{
  const bool sending = sea__run_is_sending(crowd->run);
  bool more = false;
  for (uint32_t i = 0; i < crowd->options->connections; i++) {
    const reader_t *reader = &crowd->readers[i];
    const bool reading = !sending || reader->next_ns <= crowd->run->now_ns;
    crowd->polls[i].events = (short)((sending ? POLLOUT : 0) | (reading ? POLLIN : 0));
    more = more || reader->received < reader->sent;
  }
  if (!sending && !more) return false;
  poll(crowd->polls, crowd->options->connections, 1);
  for (uint32_t i = 0; i < crowd->options->connections; i++) {
    serve(crowd, i, sending);
  }
  return true;
}

static int
open_all(crowd_t *crowd)
{
  const int bytes = SOCKET_BYTES;
  for (uint32_t i = 0; i < crowd->options->connections; i++) {
    const int fd = sea__dial(crowd->options);
    if (fd < 0) return fd;
    crowd->polls[i].fd = fd;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)) < 0) {
      return -errno;
    }
  }
  return 0;
}

static void
play(crowd_t *crowd)
{
  sea__run_start(crowd->run);
  sea__run_announce(crowd->run, "open");
  do {
    sea__run_tick(crowd->run);
  } while (crowd->run->phase != SEA_RUN_DONE && turn(crowd));
}

int
sea__load_slow(sea_run_t *run, const sea_load_options_t *options)
{
  const uint32_t n = options->connections;
  crowd_t crowd = {.run = run, .options = options};
  int rc = sea__dial_allow_files(n + 64);
  if (rc == 0) rc = sea__payload_init(&crowd.payload, SEND_BYTES);
  if (rc < 0) return rc;

  crowd.polls = malloc(n * sizeof(*crowd.polls));
  crowd.readers = calloc(n, sizeof(*crowd.readers));
  crowd.bytes = malloc(options->size > SEND_BYTES ? options->size : SEND_BYTES);
  if (crowd.polls) memset(crowd.polls, 0xff, n * sizeof(*crowd.polls));
  rc = crowd.polls && crowd.readers && crowd.bytes ? open_all(&crowd) : -ENOMEM;
  if (rc == 0) play(&crowd);
  for (uint32_t i = 0; crowd.polls && i < n; i++) {
    if (crowd.polls[i].fd >= 0) close(crowd.polls[i].fd);
  }
  sea__payload_deinit(&crowd.payload);
  free(crowd.bytes);
  free(crowd.readers);
  free(crowd.polls);
  return rc;
}
