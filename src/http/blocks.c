#include "blocks.h"

#include <errno.h>
#include <stdlib.h>

/* Most requests' records; kept when they come back, so that steady traffic allocates nothing. */
#define SMALL 2048U

int
sea__http_blocks_init(sea_http_blocks_t *blocks)
{
  *blocks = (sea_http_blocks_t){
      .table = calloc(SEA_HTTP_BLOCKS_MAX, sizeof *blocks->table),
      .free = calloc(SEA_HTTP_BLOCKS_MAX, sizeof *blocks->free),
      .idle = calloc(SEA_HTTP_BLOCKS_MAX, sizeof *blocks->idle),
      .sizes = calloc(SEA_HTTP_BLOCKS_MAX, sizeof *blocks->sizes),
  };
  if (blocks->table == NULL || blocks->free == NULL || blocks->idle == NULL ||
      blocks->sizes == NULL) {
    sea__http_blocks_deinit(blocks);
    return -ENOMEM;
  }
  for (uint32_t i = SEA_HTTP_BLOCKS_MAX; i > 0; i--) {
    blocks->free[blocks->free_count++] = (uint16_t)(i - 1);
  }
  return 0;
}

void
sea__http_blocks_deinit(sea_http_blocks_t *blocks)
{
  for (uint32_t i = 0; blocks->table != NULL && i < SEA_HTTP_BLOCKS_MAX; i++) {
    free(blocks->table[i]);
  }
  free((void *)blocks->table);
  free(blocks->free);
  free(blocks->idle);
  free(blocks->sizes);
  *blocks = (sea_http_blocks_t){0};
}

static char *
take_idle(sea_http_blocks_t *blocks, uint16_t *index)
{
  *index = blocks->idle[--blocks->idle_count];
  blocks->bytes += SMALL;
  return blocks->table[*index];
}

char *
sea__http_block_acquire(sea_http_blocks_t *blocks, uint32_t size, uint16_t *index)
{
  if (size <= SMALL && blocks->idle_count > 0) {
    return take_idle(blocks, index);
  }
  uint32_t room = size <= SMALL ? SMALL : size;
  if (blocks->free_count == 0) { /* all indices are of small blocks: one of them grows */
    if (blocks->idle_count == 0) {
      return NULL;
    }
    blocks->idle_count--;
    *index = blocks->idle[blocks->idle_count];
    free(blocks->table[*index]);
  } else {
    *index = blocks->free[--blocks->free_count];
  }
  blocks->table[*index] = malloc(room);
  if (blocks->table[*index] == NULL) {
    blocks->free[blocks->free_count++] = *index;
    return NULL;
  }
  blocks->sizes[*index] = room;
  blocks->bytes += room;
  return blocks->table[*index];
}

void
sea__http_block_release(sea_http_blocks_t *blocks, uint16_t index)
{
  blocks->bytes -= blocks->sizes[index];
  if (blocks->sizes[index] == SMALL) {
    blocks->idle[blocks->idle_count++] = index;
    return;
  }
  free(blocks->table[index]);
  blocks->table[index] = NULL;
  blocks->free[blocks->free_count++] = index;
}
