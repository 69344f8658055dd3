/* Send queue nodes, and the scatter lists of gathered sends. Worker-only.
 *
 * A chunk names bytes that lie elsewhere; the node itself comes from a pool that grows in blocks
 * and never shrinks, so that steady traffic allocates nothing. */
#ifndef SEA_CHUNK_H
#define SEA_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

struct sea_payload;
struct sea_http_render;

/* Whose the bytes are, and so what happens to them when they have been sent. */
typedef enum sea_memory {
  SEA_MEMORY_HOST = 0, /* the host's, which learns of it by SENT or CLOSED */
  SEA_MEMORY_PAYLOAD,  /* a payload's, which goes home */
  SEA_MEMORY_BUFFER,   /* a receive buffer, which goes back to the kernel */
  SEA_MEMORY_HEAP,     /* the chunk's own, which is freed */
  SEA_MEMORY_RENDER,   /* a fixed response's, which is used once less */
  SEA_MEMORY_STATIC,   /* nobody's: it stays */
} sea_memory_t;

typedef struct sea_chunk {
  struct sea_chunk *next;
  const char *data;
  size_t len;
  union {
    struct sea_payload *payload;    /* SEA_MEMORY_PAYLOAD */
    struct sea_http_render *render; /* SEA_MEMORY_RENDER */
    uint32_t offset;                /* SEA_MEMORY_BUFFER, area */
  };
  uint16_t buffer_id; /* SEA_MEMORY_BUFFER */
  uint8_t memory;     /* sea_memory_t */
  bool area;          /* SEA_MEMORY_BUFFER: it is one of zcrx.h */
  bool last;          /* the host wants to know when this one has left */
} sea_chunk_t;

/* First in, first out. */
typedef struct sea_chunk_queue {
  sea_chunk_t *head;
  sea_chunk_t *tail;
} sea_chunk_queue_t;

#define SEA_GATHER_MAX 64

/* What a gathered send hands to the kernel; the kernel's until its CQE. */
typedef struct sea_gather {
  struct sea_gather *next;
  struct msghdr header;
  struct iovec parts[SEA_GATHER_MAX];
} sea_gather_t;

typedef struct sea_chunk_pool {
  sea_chunk_t *free;
  sea_gather_t *gathers_free;
  void *blocks; /* every block ever allocated, of either kind, linked through its first word */
} sea_chunk_pool_t;

int sea__chunk_pool_init(sea_chunk_pool_t *pool);
void sea__chunk_pool_deinit(sea_chunk_pool_t *pool);

/* NULL only when the pool had to grow and could not. */
sea_chunk_t *sea__chunk_acquire(sea_chunk_pool_t *pool);
void sea__chunk_release(sea_chunk_pool_t *pool, sea_chunk_t *chunk);

/* NULL only when the pool had to grow and could not: the caller then sends one chunk alone. */
sea_gather_t *sea__gather_acquire(sea_chunk_pool_t *pool);
void sea__gather_release(sea_chunk_pool_t *pool, sea_gather_t *gather);

static inline void
sea__chunk_append(sea_chunk_queue_t *queue, sea_chunk_t *chunk)
{
  chunk->next = NULL;
  if (queue->tail == NULL) {
    queue->head = chunk;
  } else {
    queue->tail->next = chunk;
  }
  queue->tail = chunk;
}

static inline sea_chunk_t *
sea__chunk_shift(sea_chunk_queue_t *queue)
{
  sea_chunk_t *chunk = queue->head;
  queue->head = chunk->next;
  if (queue->head == NULL) {
    queue->tail = NULL;
  }
  return chunk;
}

/* Fills `parts` with the queue's first chunks, skipping `offset` bytes of the first and stopping at
 * max_bytes or after a chunk marked `last`; returns how many parts. */
int sea__chunk_gather(const sea_chunk_queue_t *queue, size_t offset, size_t max_bytes,
                      struct iovec *parts, int parts_max);

#endif
