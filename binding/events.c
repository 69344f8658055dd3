/* From the event ring to JavaScript: one call per batch.
 *
 * A batch is a row of records in an Int32Array that JavaScript shares with us, four numbers each
 * (SEA_NAPI_RECORD_* in addon.c exports the layout), and the bytes of all its data events in one
 * JavaScript-owned slab. Copying out of the receive buffers is cheaper than handing them over, and
 * gives them back to the kernel before the handlers run.
 *
 * Node drains process.nextTick and microtasks between any two callbacks of one socket. Node-API does
 * so after each call of the threadsafe function, so a batch has at most one event per connection
 * (adjacent data is joined) and each batch is a call of its own. */
#include <stdlib.h>
#include <string.h>

#include "layout.h"
#include "transport.h"

void
sea_napi_ring(void *transport)
{
  sea_napi_transport_t *t = transport;
  /* The only failure is napi_closing, when the environment goes down: nobody is left to tell. */
  napi_call_threadsafe_function(t->doorbell, NULL, napi_tsfn_nonblocking);
}

/* Whether the slot has had no event in this batch; notes that it has one now. */
static bool
first_of_slot(sea_napi_transport_t *t, uint32_t slot)
{
  if (slot >= t->seen_len) {
    uint32_t len = (slot + 1024) & ~1023U;
    uint32_t *grown = realloc(t->seen, len * sizeof *grown);
    if (grown == NULL) {
      return true; /* order between ticks is a courtesy; the event is not */
    }
    memset(grown + t->seen_len, 0, (len - t->seen_len) * sizeof *grown);
    t->seen = grown;
    t->seen_len = len;
  }
  bool first = t->seen[slot] != t->batch;
  t->seen[slot] = t->batch;
  return first;
}

static bool
is_of_connection(const sea_event_t *event)
{
  return event->kind <= SEA_EVENT_CLOSED;
}

/* Asks JavaScript for fresh memory for received bytes. */
static bool
refill_slab(sea_napi_transport_t *t)
{
  napi_value on_slab;
  napi_value global;
  napi_value slab;
  void *data;
  size_t len;
  if (napi_get_reference_value(t->env, t->on_slab, &on_slab) != napi_ok ||
      napi_get_global(t->env, &global) != napi_ok ||
      napi_call_function(t->env, global, on_slab, 0, NULL, &slab) != napi_ok ||
      napi_get_buffer_info(t->env, slab, &data, &len) != napi_ok) {
    return false;
  }
  if (t->slab_ref != NULL) {
    napi_delete_reference(t->env, t->slab_ref);
    t->slab_ref = NULL;
  }
  napi_create_reference(t->env, slab, 1, &t->slab_ref);
  t->slab = data;
  t->slab_len = len;
  t->slab_used = 0;
  return true;
}

/* Copies a data event's bytes into the slab. False when they do not fit. */
static bool
copy_data(sea_napi_transport_t *t, const sea_event_t *event)
{
  size_t len = (size_t)event->result;
  if (t->slab_len - t->slab_used < len) {
    return false;
  }
  memcpy(t->slab + t->slab_used, sea_event_data(t->core, event), len);
  t->slab_used += len;
  return true;
}

static void
put(int32_t *record, const sea_event_t *event)
{
  record[SEA_NAPI_RECORD_KIND] = event->kind;
  record[SEA_NAPI_RECORD_SLOT] = (int32_t)event->slot;
  record[SEA_NAPI_RECORD_A] =
      event->kind == SEA_EVENT_OPEN ? (int32_t)event->generation : event->result;
  record[SEA_NAPI_RECORD_B] = 0;
}

/* Adds the event to the batch of n records. Returns the new n, or 0 when it belongs into the next. */
static uint32_t
add(sea_napi_transport_t *t, uint32_t n, const sea_event_t *event)
{
  int32_t *record = t->records + (size_t)n * SEA_NAPI_RECORD_LENGTH;
  int32_t *before = record - SEA_NAPI_RECORD_LENGTH;
  bool data = event->kind == SEA_EVENT_DATA;
  bool joins = n > 0 && data && before[SEA_NAPI_RECORD_KIND] == SEA_EVENT_DATA &&
               before[SEA_NAPI_RECORD_SLOT] == (int32_t)event->slot;
  if (joins) {
    if (!copy_data(t, event)) {
      return 0;
    }
    before[SEA_NAPI_RECORD_B] += event->result;
    return n;
  }
  size_t offset = t->slab_used;
  if (n == t->records_max || (data && t->slab_len - offset < (size_t)event->result) ||
      (is_of_connection(event) && !first_of_slot(t, event->slot))) {
    return 0;
  }
  put(record, event);
  if (data) {
    copy_data(t, event);
    record[SEA_NAPI_RECORD_A] = (int32_t)offset;
    record[SEA_NAPI_RECORD_B] = event->result;
  }
  return n + 1;
}

/* Takes events until the batch is full. Returns the number of records. */
static uint32_t
fill(sea_napi_transport_t *t)
{
  uint32_t pending = sea_events_poll(t->core);
  uint32_t taken = 0;
  uint32_t n = 0;
  if (pending == 0) {
    return 0;
  }
  const sea_event_t *first = sea_event_at(t->core, 0);
  if (first->kind == SEA_EVENT_DATA && t->slab_len - t->slab_used < (size_t)first->result &&
      !refill_slab(t)) {
    return 0;
  }
  t->batch++;
  while (taken < pending) {
    uint32_t longer = add(t, n, sea_event_at(t->core, taken));
    if (longer == 0) {
      break;
    }
    n = longer;
    taken++;
  }
  sea_events_consume(t->core, taken);
  return n;
}

/* An exception of a handler is the process's to judge, as it is for Node's own sockets. */
static bool
report_exception(napi_env env)
{
  napi_value error;
  bool pending = false;
  if (napi_is_exception_pending(env, &pending) != napi_ok || !pending ||
      napi_get_and_clear_last_exception(env, &error) != napi_ok) {
    return false;
  }
  return napi_fatal_exception(env, error) == napi_ok;
}

static void
call_batch(sea_napi_transport_t *t, uint32_t n)
{
  napi_env env = t->env;
  napi_value on_batch;
  napi_value global;
  napi_value arg;
  if (napi_get_reference_value(env, t->on_batch, &on_batch) != napi_ok ||
      napi_get_global(env, &global) != napi_ok) {
    return;
  }
  napi_create_uint32(env, n, &arg);
  /* Called again with 0 after an exception: the other events of the batch are still to be told. */
  while (napi_call_function(env, global, on_batch, 1, &arg, NULL) != napi_ok) {
    if (!report_exception(env)) {
      return; /* the environment is going down */
    }
    napi_create_uint32(env, 0, &arg);
  }
}

void
sea_napi_on_doorbell(napi_env env, napi_value unused, void *context, void *data)
{
  sea_napi_transport_t *t = context;
  (void)unused;
  (void)data;
  if (env == NULL || t->core == NULL) {
    return;
  }
  uint32_t n = fill(t);
  if (n > 0) {
    call_batch(t, n);
  }
  if (t->core != NULL) {
    sea_flush(t->core);
    if (sea_events_again(t->core)) {
      sea_napi_ring(t);
    }
  }
}
