#include "ring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The loop wakes at least this often, so that a silent server cannot stop the clock. */
#define TICK_NS 20000000
#define TICK_TAG 0u
#define TAG_BITS 8u
#define SQ_ENTRIES_MIN 64u
#define SQ_ENTRIES_MAX 4096u
#define CQ_ENTRIES_MAX 65536u

static uint32_t
power_of_two(uint32_t value, uint32_t min, uint32_t max)
{
  uint32_t power = min;
  while (power < value && power < max)
    power <<= 1;
  return power;
}

int
sea__load_ring_init(sea_load_ring_t *ring, uint32_t in_flight)
{
  memset(ring, 0, sizeof(*ring));
  ring->tick.tv_nsec = TICK_NS;

  uint32_t entries = power_of_two(in_flight, SQ_ENTRIES_MIN, SQ_ENTRIES_MAX);
  struct io_uring_params params = {
      .flags = IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER |
               IORING_SETUP_DEFER_TASKRUN,
      .cq_entries = power_of_two(4 * in_flight, 4 * entries, CQ_ENTRIES_MAX),
  };
  int rc = io_uring_queue_init_params(entries, &ring->uring, &params);
  if (rc == -EINVAL) {
    /* A kernel before 6.1: works the same, at more cost per message. */
    params = (struct io_uring_params){.flags = IORING_SETUP_CQSIZE,
                                      .cq_entries = params.cq_entries};
    rc = io_uring_queue_init_params(entries, &ring->uring, &params);
  }
  if (rc < 0) return rc;
  ring->is_open = true;
  (void)io_uring_register_ring_fd(&ring->uring); /* cheaper entry; optional */
  return 0;
}

static void
buffer_add(sea_load_buffers_t *buffers, uint32_t id, int offset)
{
  io_uring_buf_ring_add(buffers->ring, buffers->memory + (size_t)id * buffers->size, buffers->size,
                        (unsigned short)id, io_uring_buf_ring_mask(buffers->count), offset);
}

int
sea__load_buffers_init(sea_load_ring_t *ring, uint32_t count, uint32_t size)
{
  sea_load_buffers_t *buffers = &ring->buffers;
  void *memory = NULL;

  if (posix_memalign(&memory, 4096, count * sizeof(struct io_uring_buf)) != 0) return -ENOMEM;
  buffers->ring = memory;
  buffers->memory = malloc((size_t)count * size);
  if (!buffers->memory) return -ENOMEM;
  buffers->count = count;
  buffers->size = size;

  struct io_uring_buf_reg registration = {
      .ring_addr = (uint64_t)(uintptr_t)buffers->ring,
      .ring_entries = count,
  };
  int rc = io_uring_register_buf_ring(&ring->uring, &registration, 0);
  if (rc < 0) return rc;

  io_uring_buf_ring_init(buffers->ring);
  for (uint32_t id = 0; id < count; id++)
    buffer_add(buffers, id, (int)id);
  io_uring_buf_ring_advance(buffers->ring, (int)count);
  return 0;
}

void
sea__load_ring_deinit(sea_load_ring_t *ring)
{
  if (ring->is_open) io_uring_queue_exit(&ring->uring);
  free(ring->buffers.ring);
  free(ring->buffers.memory);
}

static void
flush(sea_load_ring_t *ring)
{
  int rc = io_uring_submit(&ring->uring);
  if (rc >= 0 || rc == -EINTR || rc == -EAGAIN || rc == -EBUSY) return;
  fprintf(stderr, "sea_load: io_uring_submit: %s\n", strerror(-rc));
  exit(EXIT_FAILURE);
}

struct io_uring_sqe *
sea__load_sqe(sea_load_ring_t *ring)
{
  struct io_uring_sqe *sqe;
  while (!(sqe = io_uring_get_sqe(&ring->uring)))
    flush(ring);
  return sqe;
}

void
sea__load_reserve(sea_load_ring_t *ring, uint32_t entries)
{
  while (io_uring_sq_space_left(&ring->uring) < entries)
    flush(ring);
}

void
sea__load_tag(struct io_uring_sqe *sqe, uint32_t tag, uint32_t index)
{
  io_uring_sqe_set_data64(sqe, (uint64_t)index << TAG_BITS | tag);
}

static uint32_t
buffer_id(const struct io_uring_cqe *cqe)
{
  return cqe->flags >> IORING_CQE_BUFFER_SHIFT;
}

uint8_t *
sea__load_buffer_at(sea_load_ring_t *ring, const struct io_uring_cqe *cqe)
{
  return ring->buffers.memory + (size_t)buffer_id(cqe) * ring->buffers.size;
}

void
sea__load_buffer_return(sea_load_ring_t *ring, const struct io_uring_cqe *cqe)
{
  buffer_add(&ring->buffers, buffer_id(cqe), 0);
  io_uring_buf_ring_advance(ring->buffers.ring, 1);
}

static void
arm_tick(sea_load_ring_t *ring)
{
  struct io_uring_sqe *sqe = sea__load_sqe(ring);
  io_uring_prep_timeout(sqe, &ring->tick, 0, 0);
  sea__load_tag(sqe, TICK_TAG, 0);
}

static void
reap(sea_load_ring_t *ring, const sea_load_handler_t *handler)
{
  struct io_uring_cqe *cqe;
  unsigned head;
  unsigned reaped = 0;

  io_uring_for_each_cqe(&ring->uring, head, cqe)
  {
    uint64_t data = io_uring_cqe_get_data64(cqe);
    uint32_t tag = (uint32_t)data & ((1u << TAG_BITS) - 1u);
    reaped++;
    if (tag == TICK_TAG) {
      arm_tick(ring);
    } else {
      handler->on_cqe(handler->context, tag, (uint32_t)(data >> TAG_BITS), cqe);
    }
  }
  io_uring_cq_advance(&ring->uring, reaped);
}

void
sea__load_loop(sea_load_ring_t *ring, sea_run_t *run, const sea_load_handler_t *handler)
{
  arm_tick(ring);
  while (run->phase != SEA_RUN_DONE) {
    int rc = io_uring_submit_and_wait(&ring->uring, 1);
    if (rc < 0 && rc != -EINTR && rc != -EAGAIN && rc != -EBUSY) {
      sea__run_error(run, "io_uring_submit_and_wait", -rc);
      return;
    }
    sea__run_tick(run);
    reap(ring, handler);
    if (run->phase == SEA_RUN_DRAIN && handler->is_drained(handler->context)) {
      run->phase = SEA_RUN_DONE;
    }
  }
}
