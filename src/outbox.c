#include "outbox.h"

#include <errno.h>

/* -- host ------------------------------------------------------------------------------------- */

static int
push(sea_loop_t *loop, sea_command_op_t op, sea_conn_id_t id, const void *data, size_t len)
{
  sea_command_t command = {
      .op = (uint8_t)op,
      .slot = sea_conn_id_slot(id),
      .generation = sea_conn_id_generation(id),
      .data = data,
      .len = len,
  };
  return sea__commands_push(&loop->commands, &command);
}

static bool
has_room(const sea_loop_t *loop, const sea_conn_t *conn)
{
  uint32_t done = atomic_load_explicit(&conn->sends_done, memory_order_relaxed);
  return conn->sends_given - done < loop->options.send_queue_max;
}

/* How many of the entries are for one connection. */
static uint32_t
count_for(const sea_outgoing_t *entries, uint32_t n, sea_conn_id_t id)
{
  uint32_t count = 0;
  for (uint32_t i = 0; i < n; i++) {
    count += entries[i].id == id;
  }
  return count;
}

/* Asks for a DRAIN event when there is room for all of them, unless one is on its way. False when
 * the question found no room. */
static bool
ask_for_drain(sea_loop_t *loop, sea_conn_t *conn, const sea_outgoing_t *entries, uint32_t n,
              sea_conn_id_t id)
{
  if (conn->drains_asked != atomic_load_explicit(&conn->drains_told, memory_order_relaxed)) {
    return true;
  }
  if (push(loop, SEA_COMMAND_ASK_DRAIN, id, NULL, count_for(entries, n, id)) < 0) {
    return false;
  }
  conn->drains_asked++;
  return true;
}

/* Gives the entry a place in its connection's queue, and the bytes a payload; NULL when the
 * connection is gone. */
static int
reserve(sea_loop_t *loop, sea_outgoing_t *entries, uint32_t n, uint32_t i)
{
  sea_outgoing_t *entry = &entries[i];
  sea_conn_t *conn = sea__slab_reach(&loop->slab, entry->id);
  entry->payload = NULL;
  if (conn == NULL) {
    return 0;
  }
  if (!has_room(loop, conn)) {
    return ask_for_drain(loop, conn, entries, n, entry->id) ? -EAGAIN : -ENOBUFS;
  }
  entry->payload = sea__payload_make(&loop->payloads, entry->data, entry->len, entry->holder);
  if (entry->payload == NULL) {
    return -ENOMEM;
  }
  entry->holder = NULL; /* the payload has it */
  entry->conn = conn;
  conn->sends_given++;
  return 0;
}

/* What was not taken gives its holder back. */
static void
let_go(sea_loop_t *loop, sea_outgoing_t *entry)
{
  if (entry->holder != NULL) {
    loop->payloads.on_release(loop->payloads.arg, entry->holder);
    entry->holder = NULL;
  }
}

static void
cancel(sea_loop_t *loop, sea_outgoing_t *entry)
{
  if (entry->payload != NULL) {
    /* The worker may have closed it meanwhile, but its slot is the host's until CLOSED is consumed.
     */
    entry->conn->sends_given--;
    sea__payload_drop(&loop->payloads, entry->payload);
  }
  let_go(loop, entry);
}

static uint32_t
push_all(sea_loop_t *loop, sea_outgoing_t *entries, uint32_t n, bool finish)
{
  uint32_t taken = 0;
  for (uint32_t i = 0; i < n; i++) {
    if (entries[i].payload != NULL) {
      push(loop, SEA_COMMAND_SEND_PAYLOAD, entries[i].id, entries[i].payload, 0);
      taken++;
    }
    let_go(loop, &entries[i]);
  }
  for (uint32_t i = 0; finish && i < n; i++) {
    if (entries[i].payload != NULL) {
      push(loop, SEA_COMMAND_FINISH, entries[i].id, NULL, 0);
    }
  }
  return taken;
}

int
sea__outbox_post(sea_loop_t *loop, sea_outgoing_t *entries, uint32_t n, bool finish)
{
  /* Questions for a DRAIN take of this room too, but then nothing is sent. */
  int error = sea__commands_room(&loop->commands, finish ? 2 * n : n) ? 0 : -ENOBUFS;
  uint32_t reserved = 0;
  for (; error != -ENOBUFS && error != -ENOMEM && reserved < n; reserved++) {
    /* Goes on after -EAGAIN: every connection without room is asked for its DRAIN. */
    int result = reserve(loop, entries, n, reserved);
    error = result == 0 ? error : result;
  }
  if (error == 0) {
    return push_all(loop, entries, n, finish) > 0 ? 0 : -ENOTCONN;
  }
  for (uint32_t i = 0; i < n; i++) {
    if (i >= reserved) {
      entries[i].payload = NULL;
    }
    cancel(loop, &entries[i]);
  }
  return error;
}

/* True when the connection took it. *full when the command ring did not. */
static bool
offer(sea_loop_t *loop, sea_conn_id_t id, sea_payload_t *payload, bool *full)
{
  sea_conn_t *conn = sea__slab_reach(&loop->slab, id);
  if (conn == NULL) {
    return false;
  }
  if (!has_room(loop, conn)) {
    *full = !ask_for_drain(loop, conn, &(sea_outgoing_t){.id = id}, 1, id);
    return false;
  }
  sea__payload_hold(payload);
  if (push(loop, SEA_COMMAND_SEND_PAYLOAD, id, payload, 0) < 0) {
    sea__payload_drop(&loop->payloads, payload);
    *full = true;
    return false;
  }
  conn->sends_given++;
  return true;
}

uint32_t
sea__outbox_broadcast(sea_loop_t *loop, const sea_conn_id_t *ids, uint32_t n, sea_outgoing_t *what,
                      uint32_t *stopped)
{
  uint32_t taken = 0;
  bool full = false;
  sea_payload_t *payload = sea__payload_make(&loop->payloads, what->data, what->len, what->holder);
  *stopped = n;
  if (payload == NULL) {
    let_go(loop, what);
    return 0;
  }
  for (uint32_t i = 0; i < n; i++) {
    taken += offer(loop, ids[i], payload, &full) ? 1 : 0;
    if (full) {
      *stopped = i;
      break;
    }
  }
  sea__payload_drop(&loop->payloads, payload);
  return taken;
}

/* -- worker ----------------------------------------------------------------------------------- */

static void
discard(sea_loop_t *loop, sea_payload_t *payload)
{
  /* The host waits for nobody's word on it, but wants its memory back some time. */
  if (payload->holder != NULL && loop->bell_due < SEA_BELL_LAZY) {
    loop->bell_due = SEA_BELL_LAZY;
  }
  sea__payload_done(&loop->payloads, payload);
}

static void
count_done(sea_conn_t *conn)
{
  uint32_t done = atomic_load_explicit(&conn->sends_done, memory_order_relaxed);
  /* Release: see direct.h. */
  atomic_store_explicit(&conn->sends_done, done + 1, memory_order_release);
}

void
sea__outbox_queue(sea_loop_t *loop, sea_conn_t *conn, const sea_command_t *command)
{
  /* The host wrote the payload before the command; it is ours to read, and to count. */
  sea_payload_t *payload = (sea_payload_t *)(uintptr_t)command->data;
  if (conn == NULL || conn->state != SEA_CONN_OPEN || conn->send_error != 0 ||
      conn->write_end != SEA_WRITE_OPEN) {
    sea__outbox_discard(loop, conn, payload);
    return;
  }
  sea_chunk_t *chunk = sea__chunk_acquire(&loop->chunks);
  if (chunk == NULL) {
    sea__outbox_discard(loop, conn, payload);
    sea__conn_close(loop, conn, SEA_CLOSE_NO_MEMORY, true);
    return;
  }
  chunk->data = payload->data;
  chunk->len = payload->len;
  chunk->last = false;
  chunk->memory = SEA_MEMORY_PAYLOAD;
  chunk->payload = payload;
  conn->sends_queued++;
  sea__send_append(loop, conn, chunk);
}

void
sea__outbox_discard(sea_loop_t *loop, sea_conn_t *conn, sea_payload_t *payload)
{
  discard(loop, payload);
  if (conn != NULL) {
    count_done(conn);
  }
}

/* Half empty, and room for what was refused: or that would be refused again, in a circle. */
static bool
has_drained(const sea_loop_t *loop, const sea_conn_t *conn)
{
  uint32_t max = loop->options.send_queue_max;
  uint32_t needed = sea__min_u32(conn->drain_needed, max);
  return conn->sends_queued <= sea__min_u32(max / 2, max - needed);
}

void
sea__outbox_relieve(sea_loop_t *loop, sea_conn_t *conn)
{
  if (!conn->drain_wanted || conn->state != SEA_CONN_OPEN || conn->send_error != 0 ||
      !has_drained(loop, conn)) {
    return;
  }
  conn->drain_wanted = false;
  uint32_t told = atomic_load_explicit(&conn->drains_told, memory_order_relaxed);
  atomic_store_explicit(&conn->drains_told, told + 1, memory_order_relaxed);
  sea__loop_emit(loop, SEA_EVENT_DRAIN, conn, 0);
}

void
sea__outbox_ask_drain(sea_loop_t *loop, sea_conn_t *conn, uint32_t needed)
{
  conn->drain_wanted = true;
  conn->drain_needed = needed;
  sea__outbox_relieve(loop, conn);
}

void
sea__outbox_done(sea_loop_t *loop, sea_conn_t *conn, sea_payload_t *payload)
{
  discard(loop, payload);
  count_done(conn);
  conn->sends_queued--;
}
