#include "zerocopy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "compat.h"
#include "loop.h"

/* -- life ------------------------------------------------------------------------------------- */

static int
register_memory(sea_send_buffers_t *buffers, sea_ring_t *ring)
{
  struct iovec parts[SEA_SEND_BUFFERS_MAX];
  for (uint32_t i = 0; i < buffers->count; i++) {
    parts[i] = (struct iovec){.iov_base = buffers->base + (size_t)i * buffers->size,
                              .iov_len = buffers->size};
  }
  return io_uring_register_buffers(&ring->uring, parts, buffers->count);
}

static void
release_buffers(sea_send_buffers_t *buffers)
{
  if (buffers->base != NULL) {
    munmap(buffers->base, (size_t)buffers->count * buffers->size);
  }
  free(buffers->free);
  buffers->base = NULL;
  buffers->free = NULL;
  buffers->count = 0;
}

static int
make_buffers(sea_send_buffers_t *buffers, sea_ring_t *ring, uint32_t count, uint32_t size)
{
  void *base = mmap(NULL, (size_t)count * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                    -1, 0);
  buffers->free = calloc(count, sizeof *buffers->free);
  buffers->count = count;
  buffers->size = size;
  buffers->base = base == MAP_FAILED ? NULL : base;
  int error = base == MAP_FAILED || buffers->free == NULL ? -ENOMEM : 0;
  if (error == 0) {
    error = register_memory(buffers, ring);
  }
  if (error < 0) {
    release_buffers(buffers);
    return error;
  }
  for (buffers->free_count = 0; buffers->free_count < count; buffers->free_count++) {
    buffers->free[buffers->free_count] = (uint16_t)buffers->free_count;
  }
  return 0;
}

/* Registered memory counts against RLIMIT_MEMLOCK: less of it beats none. */
static void
init_buffers(sea_send_buffers_t *buffers, sea_ring_t *ring, const sea_options_t *options)
{
  int error = -ENOMEM;
  for (uint32_t count = options->send_buffer_count; count > 0 && error == -ENOMEM; count /= 2) {
    error = make_buffers(buffers, ring, count, options->send_buffer_size);
  }
  buffers->state = error == 0 ? SEA_PATH_ON : error;
}

void
sea__zero_copy_init(sea_zero_copy_t *zero_copy, sea_ring_t *ring, const sea_options_t *options)
{
  *zero_copy = (sea_zero_copy_t){.min = options->zero_copy_min, .reports = true};
  if (!options->zero_copy_send && !options->send_buffers) {
    return;
  }
  struct io_uring_probe *probe = io_uring_get_probe_ring(&ring->uring);
  bool single = probe != NULL && io_uring_opcode_supported(probe, IORING_OP_SEND_ZC);
  zero_copy->gathered = probe != NULL && io_uring_opcode_supported(probe, IORING_OP_SENDMSG_ZC);
  io_uring_free_probe(probe);
  if (options->zero_copy_send) {
    zero_copy->state = single ? SEA_PATH_ON : -EOPNOTSUPP;
  }
  if (options->send_buffers && single) {
    init_buffers(&zero_copy->buffers, ring, options);
  } else if (options->send_buffers) {
    zero_copy->buffers.state = -EOPNOTSUPP;
  }
}

void
sea__zero_copy_deinit(sea_zero_copy_t *zero_copy)
{
  release_buffers(&zero_copy->buffers);
}

/* -- sending ---------------------------------------------------------------------------------- */

/* Takes a registered buffer for the send, if it fits into one. */
static bool
take_buffer(sea_loop_t *loop, sea_conn_t *conn, size_t bytes)
{
  sea_send_buffers_t *buffers = &loop->zero_copy.buffers;
  if (buffers->state != SEA_PATH_ON) {
    return false;
  }
  if (bytes > buffers->size || buffers->free_count == 0) {
    sea__stat_add(&loop->stats.send_buffer_misses, 1);
    return false;
  }
  conn->send_buffer = buffers->free[--buffers->free_count];
  sea__stat_add(&loop->stats.send_buffer_requests, 1);
  return true;
}

static void
give_buffer_back(sea_loop_t *loop, sea_conn_t *conn)
{
  sea_send_buffers_t *buffers = &loop->zero_copy.buffers;
  if (conn->send_buffer != SEA_SEND_BUFFER_NONE) {
    buffers->free[buffers->free_count++] = conn->send_buffer;
    conn->send_buffer = SEA_SEND_BUFFER_NONE;
  }
}

static void
copy_to_buffer(sea_loop_t *loop, const sea_conn_t *conn, struct io_uring_sqe *sqe)
{
  sea_send_buffers_t *buffers = &loop->zero_copy.buffers;
  char *to = buffers->base + (size_t)conn->send_buffer * buffers->size;
  memcpy(to, (const void *)(uintptr_t)sqe->addr, sqe->len);
  sqe->addr = (uint64_t)(uintptr_t)to;
  sqe->ioprio |= IORING_RECVSEND_FIXED_BUF;
  sqe->buf_index = conn->send_buffer;
}

void
sea__zero_copy_prepare(sea_loop_t *loop, sea_conn_t *conn, struct io_uring_sqe *sqe, size_t bytes)
{
  const sea_zero_copy_t *zero_copy = &loop->zero_copy;
  bool gathered = conn->gather != NULL;
  if (bytes < zero_copy->min || conn->zero_copy_off || (gathered && !zero_copy->gathered)) {
    return;
  }
  bool buffered = !gathered && take_buffer(loop, conn, bytes);
  if (!buffered && zero_copy->state != SEA_PATH_ON) {
    return;
  }
  sqe->opcode = gathered ? IORING_OP_SENDMSG_ZC : IORING_OP_SEND_ZC;
  sqe->ioprio = zero_copy->reports ? SEA_IORING_SEND_ZC_REPORT_USAGE : 0;
  if (buffered) {
    copy_to_buffer(loop, conn, sqe);
  }
  conn->zero_copy = true;
  sea__stat_add(&loop->stats.zero_copy_requests, 1);
}

/* -- completing ------------------------------------------------------------------------------- */

/* The kernel does not do it, or not now: the same bytes go out as a plain send. */
static int32_t
refused(sea_loop_t *loop, sea_conn_t *conn, int32_t result)
{
  if (result == -EINVAL && loop->zero_copy.reports) {
    loop->zero_copy.reports = false; /* before 6.2 it is this flag that is invalid */
  } else {
    conn->zero_copy_off = true;
  }
  sea__stat_add(&loop->stats.zero_copy_errors, 1);
  return -EAGAIN;
}

static void
over(sea_loop_t *loop, sea_conn_t *conn, int32_t *result)
{
  conn->zero_copy = false;
  conn->zero_copy_wait = false;
  give_buffer_back(loop, conn);
  if (*result == -EINVAL || *result == -EOPNOTSUPP || *result == -ENOMEM || *result == -ENOBUFS) {
    *result = refused(loop, conn, *result);
  }
}

bool
sea__zero_copy_over(sea_loop_t *loop, sea_conn_t *conn, int32_t *result, uint32_t flags)
{
  if (flags & IORING_CQE_F_NOTIF) {
    sea__stat_add(&loop->stats.zero_copy_notifications, 1);
    if ((uint32_t)*result & SEA_IORING_NOTIF_USAGE_ZC_COPIED) {
      sea__stat_add(&loop->stats.zero_copy_copied, 1);
      conn->zero_copy_off = true;
    }
    *result = conn->zero_copy_result;
  } else if (flags & IORING_CQE_F_MORE) {
    conn->zero_copy_wait = true;
    conn->zero_copy_result = *result;
    conn->active_ms = loop->now_ms;
    sea__loop_todo(loop, conn); /* one that is being closed has been waiting for this */
    return false;
  }
  over(loop, conn, result);
  return true;
}
