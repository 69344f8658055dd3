/* The generator's io_uring: one ring, one thread, one system call per turn. */
#ifndef SEA_LOAD_RING_H
#define SEA_LOAD_RING_H

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

#include "run.h"

/* Receive buffers that the kernel picks from (a provided buffer ring, group 0). */
typedef struct {
  struct io_uring_buf_ring *ring;
  uint8_t *memory;
  uint32_t count; /* a power of two */
  uint32_t size;
} sea_load_buffers_t;

typedef struct {
  struct io_uring uring;
  sea_load_buffers_t buffers;
  struct __kernel_timespec tick;
  bool is_open;
} sea_load_ring_t;

/* What a mode gives to the loop. */
typedef struct {
  void *context;
  /* A completion; tag and index are those given to sea__load_tag(). */
  void (*on_cqe)(void *context, uint32_t tag, uint32_t index, const struct io_uring_cqe *cqe);
  /* Whether nothing is outstanding any more: ends the drain phase. */
  bool (*is_drained)(void *context);
} sea_load_handler_t;

/* Both return 0 or a negative errno. in_flight is the largest number of operations at a time. */
int sea__load_ring_init(sea_load_ring_t *ring, uint32_t in_flight);
int sea__load_buffers_init(sea_load_ring_t *ring, uint32_t count, uint32_t size);
/* Also of a ring that was only zeroed. */
void sea__load_ring_deinit(sea_load_ring_t *ring);

/* A free submission entry; flushes the queue to the kernel when it is full. */
struct io_uring_sqe *sea__load_sqe(sea_load_ring_t *ring);

/* Makes room for a chain of linked entries, which must reach the kernel in one piece. */
void sea__load_reserve(sea_load_ring_t *ring, uint32_t entries);

/* Marks the entry; tags start at 1. */
void sea__load_tag(struct io_uring_sqe *sqe, uint32_t tag, uint32_t index);

uint8_t *sea__load_buffer_at(sea_load_ring_t *ring, const struct io_uring_cqe *cqe);
void sea__load_buffer_return(sea_load_ring_t *ring, const struct io_uring_cqe *cqe);

/* Runs until the run is done. */
void sea__load_loop(sea_load_ring_t *ring, sea_run_t *run, const sea_load_handler_t *handler);

#endif
