/* Intrusive doubly linked list. A node that is in no list points at itself, so membership can be
 * asked and a node can be removed without knowing which list it is in. Single-threaded. */
#ifndef SEA_LIST_H
#define SEA_LIST_H

#include <stdbool.h>

#include "base.h"

typedef struct sea_list {
  struct sea_list *next;
  struct sea_list *prev;
} sea_list_t;

static inline void
sea__list_init(sea_list_t *list)
{
  list->next = list;
  list->prev = list;
}

/* For a head: has no members. For a node: is in no list. */
static inline bool
sea__list_empty(const sea_list_t *list)
{
  return list->next == list;
}

static inline void
sea__list_append(sea_list_t *head, sea_list_t *node)
{
  node->prev = head->prev;
  node->next = head;
  head->prev->next = node;
  head->prev = node;
}

static inline void
sea__list_remove(sea_list_t *node)
{
  node->prev->next = node->next;
  node->next->prev = node->prev;
  sea__list_init(node);
}

static inline sea_list_t *
sea__list_shift(sea_list_t *head)
{
  sea_list_t *node = head->next;
  sea__list_remove(node);
  return node;
}

/* Moves every member of `from` to the empty head `to`, in order. */
static inline void
sea__list_take(sea_list_t *from, sea_list_t *to)
{
  sea__list_init(to);
  if (sea__list_empty(from)) {
    return;
  }
  *to = *from;
  to->next->prev = to;
  to->prev->next = to;
  sea__list_init(from);
}

#endif
