/* Memory of events that refer to no receive buffer: records of requests, and body bytes that were
 * kept. Named by a 16-bit index, as receive buffers are. The worker takes and gives them; the host
 * reads one while its event is pending. */
#ifndef SEA_HTTP_BLOCKS_H
#define SEA_HTTP_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEA_HTTP_BLOCKS_MAX 65535U
/* Above this many bytes the worker waits for the host. */
#define SEA_HTTP_BLOCK_BYTES_MAX (64U << 20)

typedef struct sea_http_blocks {
  char **table;
  uint16_t *free; /* indices of nothing */
  uint16_t *idle; /* indices of small blocks that nobody uses */
  uint32_t free_count;
  uint32_t idle_count;
  uint32_t *sizes;
  size_t bytes; /* in use */
} sea_http_blocks_t;

int sea__http_blocks_init(sea_http_blocks_t *blocks);
void sea__http_blocks_deinit(sea_http_blocks_t *blocks);

/* Memory of so many bytes; NULL when there is none. */
char *sea__http_block_acquire(sea_http_blocks_t *blocks, uint32_t size, uint16_t *index);
void sea__http_block_release(sea_http_blocks_t *blocks, uint16_t index);

/* Whether n more blocks can be had, memory permitting. */
static inline bool
sea__http_blocks_room(const sea_http_blocks_t *blocks, uint32_t n)
{
  return blocks->free_count + blocks->idle_count >= n && blocks->bytes < SEA_HTTP_BLOCK_BYTES_MAX;
}

static inline char *
sea__http_block_data(const sea_http_blocks_t *blocks, uint16_t index)
{
  return blocks->table[index];
}

#endif
