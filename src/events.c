#include "events.h"

#include <errno.h>
#include <stdlib.h>

int
sea__events_init(sea_events_t *events, uint32_t capacity)
{
  uint32_t size = sea__pow2_ceil(capacity);
  events->ring = calloc(size, sizeof *events->ring);
  if (events->ring == NULL) {
    return -ENOMEM;
  }
  events->mask = size - 1;
  events->next = 0;
  events->reclaimed = 0;
  atomic_init(&events->tail, 0);
  atomic_init(&events->head, 0);
  return 0;
}

void
sea__events_deinit(sea_events_t *events)
{
  free(events->ring);
  events->ring = NULL;
}
