/* Events on their way to the host, or to who answers in its place; and what comes back of them. */
#include <assert.h>

#include "loop.h"

char *
sea__loop_data(const sea_loop_t *loop, const sea_event_t *event)
{
  return (event->marks & SEA_MARK_AREA) != 0
             ? sea__area_data(&loop->zcrx.area, event->offset)
             : sea__bufring_data(&loop->buffers, event->buffer_id) + event->offset;
}

void
sea__loop_give_buffer(sea_loop_t *loop, bool area, uint16_t buffer_id, uint32_t offset)
{
  if (area) {
    (void)sea__area_give(&loop->zcrx.area, offset);
  } else {
    sea__bufring_recycle(&loop->buffers, buffer_id);
  }
  sea__stat_sub(&loop->stats.buffers_in_use, 1);
}

void
sea__loop_release(sea_loop_t *loop, const sea_event_t *event)
{
  if ((event->marks & SEA_MARK_KEEP) != 0) {
    return;
  }
  if ((event->marks & SEA_MARK_BLOCK) != 0) {
    sea__http_release_block(loop, event->buffer_id);
  } else if (event->kind == SEA_EVENT_DATA) {
    sea__loop_give_buffer(loop, (event->marks & SEA_MARK_AREA) != 0, event->buffer_id,
                          event->offset);
  } else if (event->kind == SEA_EVENT_CLOSED) {
    sea__slab_free(&loop->slab, event->slot);
    sea__stat_sub(&loop->stats.slots_in_use, 1);
  }
}

static void
name_connection(const sea_conn_t *conn, sea_event_t *event)
{
  if (conn != NULL) {
    event->slot = conn->slot;
    event->generation = atomic_load_explicit(&conn->generation, memory_order_relaxed);
  }
}

void
sea__loop_tell(sea_loop_t *loop, const sea_conn_t *conn, sea_event_t *event)
{
  name_connection(conn, event);
  if (loop->discarding) {
    sea__loop_release(loop, event);
    return;
  }
  assert(sea__events_room(&loop->events) > 0);
  *sea__events_push(&loop->events) = *event;
  sea_bell_t bell = event->kind == SEA_EVENT_SENT && event->result == 0 ? SEA_BELL_LAZY
                                                                        : SEA_BELL_NOW;
  if (bell > loop->bell_due) {
    loop->bell_due = bell;
  }
}

static void
emit(sea_loop_t *loop, sea_conn_t *conn, sea_event_t *event)
{
  name_connection(conn, event);
  if (conn == NULL || conn->answers == SEA_ANSWERS_HOST || !sea__answer(loop, conn, event)) {
    sea__loop_tell(loop, conn, event);
  }
}

void
sea__loop_emit(sea_loop_t *loop, sea_event_kind_t kind, sea_conn_t *conn, int32_t result)
{
  sea_event_t event = {.kind = (uint8_t)kind, .result = result};
  emit(loop, conn, &event);
}

void
sea__loop_emit_data(sea_loop_t *loop, sea_conn_t *conn, int32_t len, uint16_t buffer_id,
                    uint32_t offset)
{
  sea_event_t event = {
      .kind = SEA_EVENT_DATA, .result = len, .buffer_id = buffer_id, .offset = offset};
  emit(loop, conn, &event);
}

void
sea__loop_emit_area(sea_loop_t *loop, sea_conn_t *conn, int32_t len, uint32_t offset)
{
  sea_event_t event = {
      .kind = SEA_EVENT_DATA, .marks = SEA_MARK_AREA, .result = len, .offset = offset};
  emit(loop, conn, &event);
}
