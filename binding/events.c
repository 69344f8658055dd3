/* From the event ring to JavaScript: one call per batch.
 *
 * A batch is a row of records in an Int32Array that JavaScript shares with us, four numbers each
 * (layout.h), and the bytes of its data events in two JavaScript-owned slabs. Copying out of the
 * receive buffers is cheaper than handing them over, and gives them back to the kernel before the
 * handlers run.
 *
 * Node drains process.nextTick and microtasks between any two callbacks of one socket. Node-API
 * does so after each call of the threadsafe function, so a batch has at most one event per
 * connection (adjacent data is joined) and each batch is a call of its own. `mixed` transports make
 * no such promise: their batches take what there is. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "inline.h"
#include "layout.h"
#include "transport.h"

/* Chunks up to this many bytes go to the small slab. */
#define SMALL_BYTES_MAX 1024
/* The longest that batches follow each other without a turn of the event loop. */
#define BURST_US_MAX 1000

void
sea_napi_ring(void *transport)
{
  sea_napi_transport_t *t = transport;
  if (t->driver == SEA_DRIVER_INLINE) {
    if (t->inline_driver != NULL) {
      sea_napi_inline_ring(t->inline_driver);
    }
    return;
  }
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
refill(sea_napi_transport_t *t, sea_napi_slab_t *slab)
{
  napi_value on_slab;
  napi_value global;
  napi_value small;
  napi_value buffer;
  if (slab->ref != NULL) {
    napi_delete_reference(t->env, slab->ref);
  }
  *slab = (sea_napi_slab_t){0};
  return napi_get_reference_value(t->env, t->on_slab, &on_slab) == napi_ok &&
         napi_get_global(t->env, &global) == napi_ok &&
         napi_get_boolean(t->env, slab == &t->small, &small) == napi_ok &&
         napi_call_function(t->env, global, on_slab, 1, &small, &buffer) == napi_ok &&
         napi_get_buffer_info(t->env, buffer, (void **)&slab->data, &slab->len) == napi_ok &&
         napi_create_reference(t->env, buffer, 1, &slab->ref) == napi_ok;
}

/* A handler can reach the slab as `chunk.buffer` and detach it (transfer it to another thread,
 * say). Its memory is then no longer ours to write to. Asked once per batch, as no handler runs
 * within. */
static void
check_slab(sea_napi_transport_t *t, sea_napi_slab_t *slab)
{
  napi_value buffer;
  void *data = NULL;
  size_t len = 0;
  if (slab->ref != NULL && (napi_get_reference_value(t->env, slab->ref, &buffer) != napi_ok ||
                            napi_get_buffer_info(t->env, buffer, &data, &len) != napi_ok ||
                            data != slab->data || len != slab->len)) {
    slab->used = slab->len; /* full: refilled when it is needed */
  }
}

static sea_napi_slab_t *
slab_for(sea_napi_transport_t *t, const sea_event_t *event)
{
  return event->result <= SMALL_BYTES_MAX ? &t->small : &t->large;
}

/* Events whose bytes go to a slab. */
static bool
has_bytes(const sea_event_t *event)
{
  return event->kind == SEA_EVENT_DATA || event->kind == SEA_EVENT_REQUEST ||
         event->kind == SEA_EVENT_TRAILERS;
}

/* A record of a request is read as 32-bit numbers. */
static size_t
align(const sea_napi_slab_t *slab, const sea_event_t *event)
{
  return event->kind == SEA_EVENT_DATA ? slab->used : (slab->used + 3) & ~(size_t)3;
}

static bool
fits(const sea_napi_slab_t *slab, const sea_event_t *event)
{
  size_t start = align(slab, event);
  return slab->len >= start && slab->len - start >= (size_t)event->result;
}

/* Copies an event's bytes into the slab, where they fit. */
static void
copy_bytes(sea_napi_transport_t *t, sea_napi_slab_t *slab, const sea_event_t *event)
{
  size_t len = (size_t)event->result;
  slab->used = align(slab, event);
  memcpy(slab->data + slab->used, sea_event_data(t->core, event), len);
  slab->used += len;
}

static void
put(int32_t *record, const sea_event_t *event)
{
  record[SEA_NAPI_RECORD_KIND] = event->kind;
  record[SEA_NAPI_RECORD_SLOT] = (int32_t)event->slot;
  record[SEA_NAPI_RECORD_A] = event->kind == SEA_EVENT_OPEN ? (int32_t)event->generation
                                                            : event->result;
  record[SEA_NAPI_RECORD_B] = 0;
}

/* Puts a data event's bytes behind those of the record before, if that is of the same connection.
 */
static bool
join(sea_napi_transport_t *t, int32_t *before, const sea_event_t *event)
{
  bool small = before[SEA_NAPI_RECORD_KIND] == SEA_NAPI_SMALL + SEA_EVENT_DATA;
  sea_napi_slab_t *slab = small ? &t->small : &t->large;
  if ((!small && before[SEA_NAPI_RECORD_KIND] != SEA_EVENT_DATA) ||
      before[SEA_NAPI_RECORD_SLOT] != (int32_t)event->slot || !fits(slab, event)) {
    return false;
  }
  copy_bytes(t, slab, event);
  before[SEA_NAPI_RECORD_B] += event->result;
  return true;
}

static void
put_bytes(sea_napi_transport_t *t, int32_t *record, const sea_event_t *event)
{
  sea_napi_slab_t *slab = slab_for(t, event);
  if (slab == &t->small) {
    record[SEA_NAPI_RECORD_KIND] = SEA_NAPI_SMALL + event->kind;
  }
  record[SEA_NAPI_RECORD_A] = (int32_t)align(slab, event);
  record[SEA_NAPI_RECORD_B] = event->result;
  copy_bytes(t, slab, event);
}

/* Adds the event to the batch of n records. Returns the new n, or 0 when it belongs into the next.
 */
static uint32_t
add(sea_napi_transport_t *t, uint32_t n, const sea_event_t *event)
{
  int32_t *record = t->records + (size_t)n * SEA_NAPI_RECORD_LENGTH;
  bool bytes = has_bytes(event);
  if (n > 0 && event->kind == SEA_EVENT_DATA && join(t, record - SEA_NAPI_RECORD_LENGTH, event)) {
    return n;
  }
  if (n == t->records_max || (bytes && !fits(slab_for(t, event), event)) ||
      (!t->mixed && is_of_connection(event) && !first_of_slot(t, event->slot))) {
    return 0;
  }
  put(record, event);
  if (bytes) {
    put_bytes(t, record, event);
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
  check_slab(t, &t->small);
  check_slab(t, &t->large);
  const sea_event_t *first = sea_event_at(t->core, 0);
  if (has_bytes(first) && !fits(slab_for(t, first), first) && !refill(t, slab_for(t, first))) {
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

uint64_t
sea_napi_now_us(void)
{
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (uint64_t)ts.tv_sec * 1000000U + (uint64_t)ts.tv_nsec / 1000U;
}

/* Calls JavaScript without expecting anything of it. */
static void
call_plain(sea_napi_transport_t *t, napi_ref function_ref)
{
  napi_value function;
  napi_value global;
  if (napi_get_reference_value(t->env, function_ref, &function) == napi_ok &&
      napi_get_global(t->env, &global) == napi_ok &&
      napi_call_function(t->env, global, function, 0, NULL, NULL) != napi_ok) {
    report_exception(t->env);
  }
}

/* There are more events, and the worker will not ring for them. A ring from here is answered
 * without a turn of the event loop, which is cheap, but keeps timers and every other socket
 * waiting: so only for a while, and then a turn lies between. */
static void
go_on(sea_napi_transport_t *t)
{
  uint64_t now = sea_napi_now_us();
  if (t->burst_us == 0) {
    t->burst_us = now;
  }
  if (now - t->burst_us < BURST_US_MAX) {
    sea_napi_ring(t);
  } else {
    t->burst_us = 0;
    call_plain(t, t->on_later);
  }
}

void
sea_napi_deliver(sea_napi_transport_t *t)
{
  uint32_t n = fill(t);
  if (n > 0) {
    call_batch(t, n);
  } else {
    report_exception(t->env); /* of who was asked for memory */
  }
}

void
sea_napi_drain(sea_napi_transport_t *t)
{
  if (t->core == NULL || t->driver == SEA_DRIVER_INLINE) {
    return;
  }
  sea_napi_deliver(t);
  if (t->core == NULL) {
    return; /* the batch brought STOPPED */
  }
  sea_flush(t->core);
  if (sea_events_again(t->core)) {
    go_on(t);
  } else {
    t->burst_us = 0;
  }
}

void
sea_napi_on_doorbell(napi_env env, napi_value unused, void *context, void *data)
{
  (void)unused;
  (void)data;
  if (env != NULL) {
    sea_napi_drain(context);
  }
}
