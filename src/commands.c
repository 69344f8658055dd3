#include "commands.h"

#include <errno.h>
#include <stdlib.h>

#include "stats.h"

int
sea__commands_init(sea_commands_t *commands, uint32_t capacity)
{
  uint32_t size = sea__pow2_ceil(capacity);
  commands->ring = calloc(size, sizeof *commands->ring);
  if (commands->ring == NULL) {
    return -ENOMEM;
  }
  commands->mask = size - 1;
  commands->head_seen = 0;
  atomic_init(&commands->tail, 0);
  atomic_init(&commands->head, 0);
  atomic_init(&commands->refusals, 0);
  atomic_init(&commands->starved, false);
  return 0;
}

void
sea__commands_deinit(sea_commands_t *commands)
{
  free(commands->ring);
  commands->ring = NULL;
}

static bool
fits(sea_commands_t *commands, uint32_t n)
{
  uint32_t tail = atomic_load_explicit(&commands->tail, memory_order_relaxed);
  uint32_t size = commands->mask + 1;
  if (sea_likely(tail - commands->head_seen + n <= size)) {
    return true;
  }
  commands->head_seen = atomic_load_explicit(&commands->head, memory_order_acquire);
  return tail - commands->head_seen + n <= size;
}

bool
sea__commands_room(sea_commands_t *commands, uint32_t n)
{
  if (sea_likely(fits(commands, n))) {
    return true;
  }
  /* Note the wait, then look again: the worker may have emptied the ring just before the note. The
   * exchange pairs with the one in sea__commands_relieved(). */
  atomic_exchange_explicit(&commands->starved, true, memory_order_acq_rel);
  if (fits(commands, n)) {
    return true; /* at worst one COMMAND_SPACE event that nobody needs */
  }
  sea__stat_add(&commands->refusals, 1);
  return false;
}

int
sea__commands_push(sea_commands_t *commands, const sea_command_t *command)
{
  if (sea_unlikely(!sea__commands_room(commands, 1))) {
    return -EAGAIN;
  }
  uint32_t tail = atomic_load_explicit(&commands->tail, memory_order_relaxed);
  commands->ring[tail & commands->mask] = *command;
  atomic_store_explicit(&commands->tail, tail + 1, memory_order_release);
  return 0;
}

bool
sea__commands_pending(const sea_commands_t *commands)
{
  return atomic_load_explicit(&commands->tail, memory_order_acquire) !=
         atomic_load_explicit(&commands->head, memory_order_relaxed);
}

bool
sea__commands_take(sea_commands_t *commands, sea_command_t *command)
{
  if (!sea__commands_pending(commands)) {
    return false;
  }
  uint32_t head = atomic_load_explicit(&commands->head, memory_order_relaxed);
  *command = commands->ring[head & commands->mask];
  atomic_store_explicit(&commands->head, head + 1, memory_order_release);
  return true;
}

bool
sea__commands_relieved(sea_commands_t *commands)
{
  if (sea_likely(!atomic_load_explicit(&commands->starved, memory_order_relaxed))) {
    return false;
  }
  return atomic_exchange_explicit(&commands->starved, false, memory_order_acq_rel);
}
