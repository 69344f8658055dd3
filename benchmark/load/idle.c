/* Idle connections, for measuring what one costs the server in memory: opens them all, tells, and
 * holds them for the given time or until SIGTERM. Speed does not matter here, so plain blocking
 * calls do. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "dial.h"
#include "modes.h"
#include "payload.h"

/* Without a message to wait for, the accept queue of the server could overflow. */
#define PACE_EVERY 128u
#define PACE_NS 5000000

static void
pace(uint32_t opened)
{
  const struct timespec pause = {.tv_nsec = PACE_NS};
  if (opened % PACE_EVERY == 0) nanosleep(&pause, NULL);
}

static int
exchange(int fd, uint32_t size, uint64_t position, const sea_payload_t *payload, uint8_t *reply)
{
  if (send(fd, sea__payload_at(payload, position), size, MSG_NOSIGNAL) != (ssize_t)size) {
    return -EPIPE;
  }
  ssize_t received = recv(fd, reply, size, MSG_WAITALL);
  if (received < 0) return -errno;
  if (received != (ssize_t)size) return -EPIPE;
  return sea__payload_matches(payload, position, reply, size) ? 0 : -EBADMSG;
}

static void
open_all(sea_run_t *run, const sea_load_options_t *options, int *fds, uint8_t *reply)
{
  sea_payload_t payload;
  if (sea__payload_init(&payload, options->size) < 0) {
    sea__run_error(run, "memory", ENOMEM);
    return;
  }
  for (uint32_t i = 0; i < options->connections && run->errors == 0; i++) {
    const uint64_t start_ns = sea__clock_ns();
    int rc = 0;
    fds[i] = sea__dial(options);
    if (fds[i] < 0) {
      sea__run_error(run, "connect", -fds[i]);
      break;
    }
    if (options->size > 0) {
      rc = exchange(fds[i], options->size, i, &payload, reply);
    } else {
      pace(i + 1);
    }
    run->now_ns = sea__clock_ns();
    if (rc < 0) {
      sea__run_error(run, "echo", -rc);
    } else {
      sea__run_received(run, options->size);
      sea__run_complete(run, start_ns);
    }
  }
  sea__payload_deinit(&payload);
}

static void
hold(const sea_load_options_t *options, const sigset_t *signals)
{
  const uint64_t second = UINT64_C(1000000000);
  const struct timespec time = {
      .tv_sec = (time_t)(options->run_ns / second),
      .tv_nsec = (long)(options->run_ns % second),
  };
  (void)sigtimedwait(signals, NULL, &time);
}

static void
close_all(sea_run_t *run, const sea_load_options_t *options, const int *fds)
{
  for (uint32_t i = 0; i < options->connections; i++) {
    uint8_t byte;
    if (fds[i] < 0) continue;
    /* Still open and silent is the only right answer. */
    if (recv(fds[i], &byte, 1, MSG_DONTWAIT) >= 0 || errno != EAGAIN) {
      sea__run_error(run, "an idle connection did not stay open", 0);
    }
    close(fds[i]);
  }
}

int
sea__load_idle(sea_run_t *run, const sea_load_options_t *options)
{
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);

  int rc = sea__dial_allow_files(options->connections + 64);
  if (rc < 0) return rc;
  int *fds = malloc(options->connections * sizeof(*fds));
  uint8_t *reply = malloc(options->size + 1u);
  if (!fds || !reply) {
    free(fds);
    free(reply);
    return -ENOMEM;
  }
  for (uint32_t i = 0; i < options->connections; i++)
    fds[i] = -1;

  sea__run_start(run);
  run->phase = SEA_RUN_MEASURE;
  run->measure_start_ns = run->now_ns;
  open_all(run, options, fds, reply);
  run->measured_ns = sea__clock_ns() - run->measure_start_ns;
  if (run->errors == 0) {
    sigprocmask(SIG_BLOCK, &signals, NULL);
    sea__run_announce(run, "open");
    hold(options, &signals);
  }
  close_all(run, options, fds);
  free(reply);
  free(fds);
  return 0;
}
