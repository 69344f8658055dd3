#include "zcrx.h"

#include <errno.h>
#include <net/if.h>
#include <sys/mman.h>
#include <unistd.h>

#include "compat.h"
#include "loop.h"
#include "patience.h"

#define REFILL_ENTRIES_MAX 32768U
#define RETRY_MS 5U

/* -- life ------------------------------------------------------------------------------------- */

static void *
map(size_t size)
{
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    return NULL;
  }
  (void)madvise(memory, size, MADV_DONTFORK); /* or a fork would copy what the kernel has pinned */
  return memory;
}

static size_t
round_up(size_t size, size_t to)
{
  return (size + to - 1) / to * to;
}

/* Every buffer at least once, so that the ring is seldom full. */
static uint32_t
refill_entries(size_t area_size, size_t buffer)
{
  size_t buffers = area_size / buffer;
  return buffers >= REFILL_ENTRIES_MAX ? REFILL_ENTRIES_MAX : sea__pow2_ceil((uint32_t)buffers);
}

/* The kernel lets go of a queue some time after the ring that had it: until then that is -EEXIST.
 */
static int
register_patiently(sea_ring_t *ring, sea_uapi_zcrx_queue_t *queue)
{
  uint32_t patience = SEA_PATIENCE;
  int error;
  bool may_pass;
  do {
    error = sea__ring_register(ring, SEA_IORING_REGISTER_ZCRX_IFQ, queue, 1);
    may_pass = error == -EEXIST || error == -ENOMEM;
  } while (may_pass && sea__try_again(-ENOMEM, &patience));
  return error;
}

/* Makes the kernel take what is in the refill ring to where its own copies find it. One that cannot
 * is not asked again. */
static bool
flush(sea_zcrx_t *zcrx, sea_ring_t *ring)
{
  sea_uapi_zcrx_ctrl_t flush = {.queue_id = zcrx->queue_id, .what = SEA_ZCRX_CTRL_FLUSH};
  zcrx->flushes = sea__ring_register(ring, SEA_IORING_REGISTER_ZCRX_CTRL, &flush, 0) == 0;
  return zcrx->flushes;
}

static int
register_queue(sea_zcrx_t *zcrx, sea_ring_t *ring, const sea_options_t *options, size_t buffer)
{
  sea_uapi_zcrx_area_t area = {.address = (uint64_t)(uintptr_t)zcrx->memory,
                               .length = zcrx->memory_size};
  sea_uapi_region_t region = {.address = (uint64_t)(uintptr_t)zcrx->refill,
                              .size = zcrx->refill_size,
                              .flags = SEA_IORING_REGION_USER_MEMORY};
  sea_uapi_zcrx_queue_t queue = {.interface = if_nametoindex(options->zcrx_interface),
                                 .rx_queue = options->zcrx_rx_queue,
                                 .flags = options->zcrx_no_device ? SEA_ZCRX_NO_DEVICE : 0,
                                 .refill_entries = refill_entries(zcrx->memory_size, buffer),
                                 .area = (uint64_t)(uintptr_t)&area,
                                 .region = (uint64_t)(uintptr_t)&region,
                                 .buffer_size = options->zcrx_buffer_size};
  if (queue.interface == 0 && !options->zcrx_no_device) {
    return -ENODEV;
  }
  int error = register_patiently(ring, &queue);
  if (error < 0) {
    return error;
  }
  char *refill = zcrx->refill;
  sea_area_setup_t setup = {
      .base = zcrx->memory,
      .size = zcrx->memory_size,
      .buffer_size = (uint32_t)buffer,
      .token = area.refill_token,
      .head = (_Atomic uint32_t *)(void *)(refill + queue.offset_head),
      .tail = (_Atomic uint32_t *)(void *)(refill + queue.offset_tail),
      .entries = (sea_uapi_refill_t *)(void *)(refill + queue.offset_entries),
      .entry_count = queue.refill_entries,
  };
  zcrx->queue_id = queue.id;
  (void)flush(zcrx, ring); /* of nothing: whether it is there */
  return sea__area_init(&zcrx->area, &setup);
}

int
sea__zcrx_init(sea_zcrx_t *zcrx, sea_ring_t *ring, const sea_options_t *options)
{
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t buffer = options->zcrx_buffer_size == 0 ? page : options->zcrx_buffer_size;
  if (buffer < page) {
    return -EINVAL; /* where pages are larger than the option can know */
  }
  zcrx->memory_size = round_up(options->zcrx_area_size, buffer);
  size_t entries = refill_entries(zcrx->memory_size, buffer) * sizeof(sea_uapi_refill_t);
  zcrx->refill_size = round_up(entries, page) + page; /* head and tail come before the entries */
  zcrx->memory = map(zcrx->memory_size);
  zcrx->refill = map(zcrx->refill_size);
  int error = -ENOMEM;
  if (zcrx->memory != NULL && zcrx->refill != NULL) {
    error = register_queue(zcrx, ring, options, buffer);
  }
  if (error < 0) {
    sea__zcrx_deinit(zcrx); /* the kernel holds on to the pages for as long as it must */
  }
  return error;
}

void
sea__zcrx_deinit(sea_zcrx_t *zcrx)
{
  sea__area_deinit(&zcrx->area);
  if (zcrx->memory != NULL) {
    munmap(zcrx->memory, zcrx->memory_size);
  }
  if (zcrx->refill != NULL) {
    munmap(zcrx->refill, zcrx->refill_size);
  }
  zcrx->memory = NULL;
  zcrx->refill = NULL;
}

/* -- receiving -------------------------------------------------------------------------------- */

bool
sea__zcrx_arm(sea_loop_t *loop, sea_conn_t *conn)
{
  struct io_uring_sqe *sqe = sea__ring_sqe(&loop->ring);
  if (sqe == NULL) {
    return false;
  }
  int fd = atomic_load_explicit(&conn->fd, memory_order_relaxed);
  io_uring_prep_rw(SEA_IORING_OP_RECV_ZC, sqe, fd, NULL, 0, 0);
  sqe->ioprio = IORING_RECV_MULTISHOT;
  sqe->file_index = loop->zcrx.queue_id; /* shares its place with `zcrx_ifq_idx` of newer headers */
  sea__ring_start(&loop->ring, sqe, sea__ring_tag(SEA_OP_RECV_ZC, sea__conn_id(conn)));
  conn->recv = SEA_RECV_ARMED;
  return true;
}

static void
on_piece(sea_loop_t *loop, sea_conn_t *conn, int32_t result)
{
  uint32_t offset;
  if (result <= 0 ||
      !sea__area_take(&loop->zcrx.area, loop->zcrx.where, (uint32_t)result, &offset)) {
    /* Bytes that cannot be found are missing from the stream: that ends it. */
    sea__conn_close(loop, conn, SEA_CLOSE_NO_MEMORY, true);
    return;
  }
  sea__stat_add(&loop->stats.zcrx_packets, 1);
  sea__stat_add(&loop->stats.zcrx_bytes, (uint64_t)result);
  if (conn->state != SEA_CONN_OPEN) {
    (void)sea__area_give(&loop->zcrx.area, offset);
    return;
  }
  conn->hungry = false;
  conn->flushed = false;
  conn->active_ms = loop->now_ms;
  sea__stat_add(&loop->stats.bytes_received, (uint64_t)result);
  sea__stat_add(&loop->stats.buffers_in_use, 1);
  sea__loop_emit_area(loop, conn, result, offset);
}

void
sea__zcrx_give_back(sea_loop_t *loop)
{
  sea_zcrx_t *zcrx = &loop->zcrx;
  sea_area_t *area = &zcrx->area;
  sea__area_publish(area);
  sea__stat_set(&loop->stats.zcrx_refills, area->refills);
  /* Only the card takes from the refill ring, and what the kernel has copied comes back that way
   * too: what lies there is missing where the next copy looks for a buffer. */
  uint32_t many = sea__min_u32(area->count, area->setup.entry_count) / 4;
  if (zcrx->flushes && sea__area_waiting(area) > many) {
    (void)flush(zcrx, &loop->ring);
  }
}

/* Whether there may be buffers now for what had none. Once for each piece: what is flushed may
 * still be in use, or the card's. */
static bool
found_buffers(sea_loop_t *loop, sea_conn_t *conn)
{
  sea_zcrx_t *zcrx = &loop->zcrx;
  sea__area_publish(&zcrx->area);
  if (conn->flushed || !zcrx->flushes || sea__area_waiting(&zcrx->area) == 0) {
    return false;
  }
  conn->flushed = true;
  return flush(zcrx, &loop->ring);
}

/* The ordinary receive, for what comes next. */
static void
take_detour(sea_loop_t *loop, sea_conn_t *conn)
{
  sea__stat_add(&loop->stats.zcrx_exhaustions, 1);
  sea__stat_add(&loop->stats.zcrx_copies, 1);
  conn->detour = true;
  conn->detour_empty = true;
}

void
sea__zcrx_reconsider(sea_loop_t *loop, sea_conn_t *conn)
{
  const sea_zcrx_t *zcrx = &loop->zcrx;
  /* What the kernel copies meets nothing that would end the detour. Without flushes there is no
   * telling whether what has been given back is to be had; and a card may hold all the others, so
   * that the detour has to have brought something first. */
  if (conn->detour && !conn->detour_empty && zcrx->flushes &&
      zcrx->area.lent + sea__area_waiting(&zcrx->area) < zcrx->area.count / 2) {
    conn->detour = false;
  }
}

void
sea__zcrx_end_detour(sea_loop_t *loop, sea_conn_t *conn)
{
  conn->detour = false;
  if (conn->detour_empty && !conn->paused) {
    /* Packets of which one part is in the area, and the other needs a buffer there that is not to
     * be had. The card has to ask for buffers first. */
    conn->recv = SEA_RECV_STARVED;
    if (sea__list_empty(&loop->zcrx.stuck)) {
      loop->zcrx.retry_ms = loop->now_ms + RETRY_MS; /* nobody who comes later puts it off */
    }
    sea__list_append(&loop->zcrx.stuck, &conn->waiting);
  }
}

void
sea__zcrx_feed_stuck(sea_loop_t *loop)
{
  if (loop->now_ms < loop->zcrx.retry_ms) {
    return;
  }
  while (!sea__list_empty(&loop->zcrx.stuck)) {
    sea_conn_t *conn = sea_container_of(sea__list_shift(&loop->zcrx.stuck), sea_conn_t, waiting);
    conn->recv = SEA_RECV_IDLE;
    sea__loop_todo(loop, conn);
  }
}

int64_t
sea__zcrx_wait_ms(const sea_loop_t *loop)
{
  if (loop->zcrx.state != SEA_PATH_ON || sea__list_empty(&loop->zcrx.stuck)) {
    return -1;
  }
  return loop->zcrx.retry_ms > loop->now_ms ? (int64_t)(loop->zcrx.retry_ms - loop->now_ms) : 0;
}

static void
on_last(sea_loop_t *loop, sea_conn_t *conn, int32_t result)
{
  conn->recv = SEA_RECV_IDLE;
  sea__loop_todo(loop, conn);
  if (conn->state != SEA_CONN_OPEN || result == -ECANCELED) {
    return;
  }
  switch (result) {
  case -ENOMEM:
    if (found_buffers(loop, conn)) {
      sea__stat_add(&loop->stats.multishot_rearms, 1);
    } else {
      take_detour(loop, conn);
    }
    break;
  case -ENOSPC: /* the completion queue was full; this completion makes room */
  case -EAGAIN:
  case -EINTR:
    sea__stat_add(&loop->stats.multishot_rearms, 1);
    break;
  case -EPROTONOSUPPORT: /* not TCP, or TCP with something on top */
  case -EOPNOTSUPP:
  case -EINVAL:
    conn->zcrx_off = true;
    sea__stat_add(&loop->stats.zcrx_copies, 1);
    break;
  default:
    conn->recv = SEA_RECV_ENDED;
    sea__loop_emit(loop, result == 0 ? SEA_EVENT_END : SEA_EVENT_ERROR, conn, result);
    break;
  }
}

void
sea__on_recv_zc(sea_loop_t *loop, sea_conn_t *conn, int32_t result, uint32_t flags)
{
  if (flags & IORING_CQE_F_MORE) {
    on_piece(loop, conn, result); /* pieces always come so; the last completion has none */
  } else {
    on_last(loop, conn, result);
  }
}
