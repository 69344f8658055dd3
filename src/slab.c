#include "slab.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

int
sea__slab_init(sea_slab_t *slab)
{
  slab->segments = calloc(SEA_SEGMENTS_MAX, sizeof *slab->segments);
  if (slab->segments == NULL) {
    return -ENOMEM;
  }
  slab->segments_used = 0;
  sea__list_init(&slab->free);
  int error = pthread_mutex_init(&slab->fd_lock, NULL);
  if (error != 0) {
    free((void *)slab->segments);
    return -error;
  }
  return 0;
}

void
sea__slab_deinit(sea_slab_t *slab)
{
  for (uint32_t i = 0; i < slab->segments_used; i++) {
    free(atomic_load_explicit(&slab->segments[i], memory_order_relaxed));
  }
  free((void *)slab->segments);
  pthread_mutex_destroy(&slab->fd_lock);
}

static int
grow(sea_slab_t *slab)
{
  if (slab->segments_used == SEA_SEGMENTS_MAX) {
    return -EMFILE;
  }
  sea_conn_t *segment = calloc(SEA_SEGMENT_SLOTS, sizeof *segment);
  if (segment == NULL) {
    return -ENOMEM;
  }
  for (uint32_t i = 0; i < SEA_SEGMENT_SLOTS; i++) {
    sea_conn_t *conn = &segment[i];
    conn->slot = slab->segments_used * SEA_SEGMENT_SLOTS + i;
    atomic_init(&conn->fd, -1);
    atomic_init(&conn->generation, 0);
    atomic_init(&conn->queued_bytes, 0);
    atomic_init(&conn->sends_done, 0);
    atomic_init(&conn->drains_told, 0);
    atomic_init(&conn->host_done, 0);
    atomic_init(&conn->sealed, false);
    atomic_init(&conn->heads, 0);
    atomic_init(&conn->direct_ms, 0);
    sea__list_init(&conn->todo);
    sea__list_init(&conn->idle);
    sea__list_append(&slab->free, &conn->waiting);
  }
  /* Release: the host finds initialised slots behind the pointer. */
  atomic_store_explicit(&slab->segments[slab->segments_used++], segment, memory_order_release);
  return 0;
}

static uint32_t
next_generation(uint32_t generation)
{
  generation = (generation + 1) & ((1U << SEA_GENERATION_BITS) - 1);
  return generation == 0 ? 1 : generation;
}

sea_conn_t *
sea__slab_open(sea_slab_t *slab, int fd)
{
  if (sea__list_empty(&slab->free) && grow(slab) < 0) {
    return NULL;
  }
  sea_conn_t *conn = sea_container_of(sea__list_shift(&slab->free), sea_conn_t, waiting);
  uint32_t generation = atomic_load_explicit(&conn->generation, memory_order_relaxed);
  atomic_store_explicit(&conn->generation, next_generation(generation), memory_order_relaxed);
  atomic_store_explicit(&conn->queued_bytes, 0, memory_order_relaxed);
  atomic_store_explicit(&conn->sends_done, 0, memory_order_relaxed);
  atomic_store_explicit(&conn->drains_told, 0, memory_order_relaxed);
  atomic_store_explicit(&conn->host_done, 0, memory_order_relaxed);
  atomic_store_explicit(&conn->sealed, false, memory_order_relaxed);
  atomic_store_explicit(&conn->heads, 0, memory_order_relaxed);
  atomic_store_explicit(&conn->direct_ms, 0, memory_order_relaxed);
  conn->sends_given = 0;
  conn->drains_asked = 0;
  conn->host_given = 0;
  /* Release: the host finds all of the above behind the descriptor, see sea__slab_reach(). */
  atomic_store_explicit(&conn->fd, fd, memory_order_release);
  conn->sends_queued = 0;
  conn->drain_wanted = false;
  conn->hungry = false;
  conn->watch = SEA_WATCH_NONE;
  conn->look_again = false;
  conn->detour = false;
  conn->detour_empty = false;
  conn->zcrx_off = false;
  conn->flushed = false;
  conn->answers = SEA_ANSWERS_HOST;
  conn->state = SEA_CONN_OPEN;
  conn->recv = SEA_RECV_IDLE;
  conn->write_end = SEA_WRITE_OPEN;
  conn->paused = false;
  conn->sending = false;
  conn->cancelling = false;
  conn->reset = false;
  conn->send_error = 0;
  conn->queue = (sea_chunk_queue_t){0};
  conn->head_sent = 0;
  conn->gather = NULL;
  conn->zero_copy = false;
  conn->zero_copy_wait = false;
  conn->zero_copy_off = false;
  conn->farewell = false;
  conn->last_sent = false;
  conn->unacked = 0;
  conn->send_buffer = SEA_SEND_BUFFER_NONE;
  return conn;
}

static sea_conn_t *
at(const sea_slab_t *slab, uint32_t slot)
{
  if ((slot >> SEA_SEGMENT_BITS) >= SEA_SEGMENTS_MAX) {
    return NULL;
  }
  sea_conn_t *segment = atomic_load_explicit(&slab->segments[slot >> SEA_SEGMENT_BITS],
                                             memory_order_acquire);
  return segment == NULL ? NULL : &segment[slot & (SEA_SEGMENT_SLOTS - 1)];
}

void
sea__slab_free(sea_slab_t *slab, uint32_t slot)
{
  sea_conn_t *conn = at(slab, slot);
  assert(conn->state == SEA_CONN_CLOSED);
  conn->state = SEA_CONN_FREE;
  /* To the end: the longer a slot rests, the later its generation comes round again. */
  sea__list_append(&slab->free, &conn->waiting);
}

sea_conn_t *
sea__slab_find(const sea_slab_t *slab, uint32_t slot, uint32_t generation)
{
  sea_conn_t *conn = at(slab, slot);
  if (conn == NULL || conn->state == SEA_CONN_FREE || conn->state == SEA_CONN_CLOSED ||
      atomic_load_explicit(&conn->generation, memory_order_relaxed) != generation) {
    return NULL;
  }
  return conn;
}

void
sea__slab_close_fd(sea_slab_t *slab, sea_conn_t *conn)
{
  pthread_mutex_lock(&slab->fd_lock);
  int fd = atomic_exchange_explicit(&conn->fd, -1, memory_order_relaxed);
  close(fd);
  pthread_mutex_unlock(&slab->fd_lock);
}

void
sea__slab_each(sea_slab_t *slab, void (*fn)(sea_conn_t *conn, void *arg), void *arg)
{
  for (uint32_t slot = 0; slot < slab->segments_used * SEA_SEGMENT_SLOTS; slot++) {
    sea_conn_t *conn = at(slab, slot);
    if (conn->state == SEA_CONN_OPEN || conn->state == SEA_CONN_CLOSING) {
      fn(conn, arg);
    }
  }
}

int
sea__slab_lock_fd(sea_slab_t *slab, sea_conn_id_t id)
{
  sea_conn_t *conn = at(slab, sea_conn_id_slot(id));
  if (conn == NULL) {
    return -ENOTCONN;
  }
  pthread_mutex_lock(&slab->fd_lock);
  int fd = atomic_load_explicit(&conn->fd, memory_order_acquire);
  if (fd < 0 ||
      atomic_load_explicit(&conn->generation, memory_order_relaxed) != sea_conn_id_generation(id)) {
    pthread_mutex_unlock(&slab->fd_lock);
    return -ENOTCONN;
  }
  return fd;
}

sea_conn_t *
sea__slab_reach(const sea_slab_t *slab, sea_conn_id_t id)
{
  sea_conn_t *conn = at(slab, sea_conn_id_slot(id));
  /* The descriptor first: behind it lies the generation that it belongs to. */
  if (conn == NULL || atomic_load_explicit(&conn->fd, memory_order_acquire) < 0 ||
      atomic_load_explicit(&conn->generation, memory_order_relaxed) != sea_conn_id_generation(id)) {
    return NULL;
  }
  return conn;
}

void
sea__slab_unlock(sea_slab_t *slab)
{
  pthread_mutex_unlock(&slab->fd_lock);
}

/* A slot, for what may be out of date at once. */
static sea_conn_t *
glance(sea_slab_t *slab, sea_conn_id_t id)
{
  sea_conn_t *conn = at(slab, sea_conn_id_slot(id));
  bool same = conn != NULL && atomic_load_explicit(&conn->generation, memory_order_relaxed) ==
                                  sea_conn_id_generation(id);
  return same ? conn : NULL;
}

uint64_t
sea__slab_queued(sea_slab_t *slab, sea_conn_id_t id)
{
  sea_conn_t *conn = glance(slab, id);
  return conn == NULL ? 0 : atomic_load_explicit(&conn->queued_bytes, memory_order_relaxed);
}

uint32_t
sea__slab_heads(sea_slab_t *slab, sea_conn_id_t id)
{
  sea_conn_t *conn = glance(slab, id);
  return conn == NULL ? 0 : atomic_load_explicit(&conn->heads, memory_order_relaxed);
}
