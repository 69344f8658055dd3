#include "chunk.h"

#include <errno.h>
#include <stdlib.h>

#define BLOCK_CHUNKS 511
#define BLOCK_GATHERS 16

typedef struct block {
  struct block *next;
} block_t;

typedef struct chunk_block {
  block_t link;
  sea_chunk_t chunks[BLOCK_CHUNKS];
} chunk_block_t;

typedef struct gather_block {
  block_t link;
  sea_gather_t gathers[BLOCK_GATHERS];
} gather_block_t;

static void *
add_block(sea_chunk_pool_t *pool, size_t size)
{
  block_t *block = malloc(size);
  if (block != NULL) {
    block->next = pool->blocks;
    pool->blocks = block;
  }
  return block;
}

static int
grow_chunks(sea_chunk_pool_t *pool)
{
  chunk_block_t *block = add_block(pool, sizeof *block);
  if (block == NULL) {
    return -ENOMEM;
  }
  for (size_t i = 0; i < BLOCK_CHUNKS; i++) {
    sea__chunk_release(pool, &block->chunks[i]);
  }
  return 0;
}

static int
grow_gathers(sea_chunk_pool_t *pool)
{
  gather_block_t *block = add_block(pool, sizeof *block);
  if (block == NULL) {
    return -ENOMEM;
  }
  for (size_t i = 0; i < BLOCK_GATHERS; i++) {
    sea__gather_release(pool, &block->gathers[i]);
  }
  return 0;
}

int
sea__chunk_pool_init(sea_chunk_pool_t *pool)
{
  *pool = (sea_chunk_pool_t){0};
  if (grow_chunks(pool) < 0 || grow_gathers(pool) < 0) {
    sea__chunk_pool_deinit(pool);
    return -ENOMEM;
  }
  return 0;
}

void
sea__chunk_pool_deinit(sea_chunk_pool_t *pool)
{
  block_t *block = pool->blocks;
  while (block != NULL) {
    block_t *next = block->next;
    free(block);
    block = next;
  }
  *pool = (sea_chunk_pool_t){0};
}

sea_chunk_t *
sea__chunk_acquire(sea_chunk_pool_t *pool)
{
  if (pool->free == NULL && grow_chunks(pool) < 0) {
    return NULL;
  }
  sea_chunk_t *chunk = pool->free;
  pool->free = chunk->next;
  return chunk;
}

void
sea__chunk_release(sea_chunk_pool_t *pool, sea_chunk_t *chunk)
{
  chunk->next = pool->free;
  pool->free = chunk;
}

sea_gather_t *
sea__gather_acquire(sea_chunk_pool_t *pool)
{
  if (pool->gathers_free == NULL && grow_gathers(pool) < 0) {
    return NULL;
  }
  sea_gather_t *gather = pool->gathers_free;
  pool->gathers_free = gather->next;
  return gather;
}

void
sea__gather_release(sea_chunk_pool_t *pool, sea_gather_t *gather)
{
  gather->next = pool->gathers_free;
  pool->gathers_free = gather;
}

int
sea__chunk_gather(const sea_chunk_queue_t *queue, size_t offset, size_t max_bytes,
                  struct iovec *parts, int parts_max)
{
  int n = 0;
  for (const sea_chunk_t *chunk = queue->head; chunk != NULL && n < parts_max && max_bytes > 0;
       chunk = chunk->next) {
    size_t len = chunk->len - offset;
    if (len > max_bytes) {
      len = max_bytes;
    }
    /* The kernel only reads through it; iovec has no const form. */
    parts[n++] = (struct iovec){.iov_base = (char *)(uintptr_t)(chunk->data + offset),
                                .iov_len = len};
    max_bytes -= len;
    offset = 0;
    if (chunk->last) {
      break;
    }
  }
  return n;
}
