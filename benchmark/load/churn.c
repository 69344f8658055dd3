/* Connection churn: every loop connects, sends one message, receives it, closes (the client
 * first), and begins again. Connect, send and receive are one linked chain, of which only the
 * last completes visibly when all goes well. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "dial.h"
#include "modes.h"
#include "payload.h"
#include "ring.h"

enum { TAG_CONNECT = 1, TAG_SEND, TAG_RECV, TAG_CLOSE };

typedef struct {
  int fd;
  uint64_t origin; /* position in the payload stream */
  uint64_t started_ns;
  uint8_t *reply;
} churn_slot_t;

typedef struct {
  sea_run_t *run;
  const sea_load_options_t *options;
  sea_load_ring_t ring;
  sea_payload_t payload;
  churn_slot_t *slots;
  uint8_t *replies;
  uint64_t turn;   /* connections begun */
  uint32_t active; /* loops with a connection */
} churn_t;

static void
submit_chain(churn_t *churn, churn_slot_t *slot)
{
  const sea_load_options_t *options = churn->options;
  const uint32_t index = (uint32_t)(slot - churn->slots);
  const uint8_t quiet = IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;

  sea__load_reserve(&churn->ring, 3);
  struct io_uring_sqe *sqe = sea__load_sqe(&churn->ring);
  io_uring_prep_connect(sqe, slot->fd, (const struct sockaddr *)&options->target,
                        sizeof(options->target));
  sqe->flags |= quiet;
  sea__load_tag(sqe, TAG_CONNECT, index);

  sqe = sea__load_sqe(&churn->ring);
  io_uring_prep_send(sqe, slot->fd, sea__payload_at(&churn->payload, slot->origin), options->size,
                     MSG_WAITALL | MSG_NOSIGNAL);
  sqe->flags |= quiet;
  sea__load_tag(sqe, TAG_SEND, index);

  sqe = sea__load_sqe(&churn->ring);
  io_uring_prep_recv(sqe, slot->fd, slot->reply, options->size, MSG_WAITALL);
  sea__load_tag(sqe, TAG_RECV, index);
}

static void
begin(churn_t *churn, churn_slot_t *slot)
{
  slot->fd = sea__dial_socket(churn->options, churn->turn);
  if (slot->fd < 0) {
    sea__run_error(churn->run, "socket", -slot->fd);
    return;
  }
  slot->origin = churn->turn * 257u;
  slot->started_ns = churn->run->now_ns;
  churn->turn++;
  churn->active++;
  submit_chain(churn, slot);
}

static void
finish(churn_t *churn, churn_slot_t *slot)
{
  /* The close precedes the next connect in the same submission. */
  struct io_uring_sqe *sqe = sea__load_sqe(&churn->ring);
  io_uring_prep_close(sqe, slot->fd);
  sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
  sea__load_tag(sqe, TAG_CLOSE, 0);
  churn->active--;
}

static void
judge(churn_t *churn, const churn_slot_t *slot, int received)
{
  const uint32_t size = churn->options->size;
  if (received < 0) {
    sea__run_error(churn->run, "recv", -received);
  } else if ((uint32_t)received != size) {
    sea__run_error(churn->run, "the server closed before its reply was complete", 0);
  } else if (!sea__payload_matches(&churn->payload, slot->origin, slot->reply, size)) {
    sea__run_error(churn->run, "the echo differs from what was sent", 0);
  } else {
    sea__run_received(churn->run, size);
    sea__run_complete(churn->run, slot->started_ns);
  }
}

static void
on_cqe(void *context, uint32_t tag, uint32_t index, const struct io_uring_cqe *cqe)
{
  churn_t *churn = context;
  churn_slot_t *slot = &churn->slots[index];

  /* The rest of a broken chain: may or may not be posted, and has nothing to add. */
  if (cqe->res == -ECANCELED) return;

  switch (tag) {
  case TAG_CLOSE:
    sea__run_error(churn->run, "close", -cqe->res);
    return;
  case TAG_CONNECT:
    sea__run_error(churn->run, "connect", -cqe->res);
    break;
  case TAG_SEND:
    /* A short send breaks the chain too, with a result that is no errno. */
    sea__run_error(churn->run, "send", cqe->res < 0 ? -cqe->res : EPIPE);
    break;
  default:
    judge(churn, slot, cqe->res);
    break;
  }
  finish(churn, slot);
  if (sea__run_is_sending(churn->run)) begin(churn, slot);
}

static bool
is_drained(void *context)
{
  const churn_t *churn = context;
  return churn->active == 0;
}

static int
prepare(churn_t *churn)
{
  const sea_load_options_t *options = churn->options;
  churn->slots = calloc(options->connections, sizeof(*churn->slots));
  churn->replies = calloc(options->connections, options->size);
  if (!churn->slots || !churn->replies) return -ENOMEM;
  for (uint32_t i = 0; i < options->connections; i++) {
    churn->slots[i].reply = churn->replies + (size_t)i * options->size;
  }

  /* An old and a new descriptor per loop exist for a moment. */
  int rc = sea__dial_allow_files(2 * options->connections + 64);
  if (rc == 0) rc = sea__payload_init(&churn->payload, options->size);
  if (rc == 0) rc = sea__load_ring_init(&churn->ring, 4 * options->connections + 1);
  return rc;
}

static void
release(churn_t *churn)
{
  sea__load_ring_deinit(&churn->ring);
  sea__payload_deinit(&churn->payload);
  free(churn->replies);
  free(churn->slots);
}

static void
run_loop(churn_t *churn)
{
  const sea_load_handler_t handler = {churn, on_cqe, is_drained};

  sea__run_start(churn->run);
  sea__run_announce(churn->run, "open");
  for (uint32_t i = 0; i < churn->options->connections; i++) {
    begin(churn, &churn->slots[i]);
  }
  sea__load_loop(&churn->ring, churn->run, &handler);
}

int
sea__load_churn(sea_run_t *run, const sea_load_options_t *options)
{
  churn_t churn = {.run = run, .options = options};

  int rc = prepare(&churn);
  if (rc == 0) run_loop(&churn);
  release(&churn);
  return rc;
}
