#include "payload.h"

#include <stdlib.h>
#include <string.h>

#define NO_BIN SEA_PAYLOAD_BINS

/* Bytes a payload of the bin has room for, and how many unused ones are kept: up to about 1, 2
 * and 2 MiB. What is larger, or one too many, comes from malloc() and goes back to it. */
static const struct {
  size_t room;
  uint32_t kept;
} bins[SEA_PAYLOAD_BINS] = {{192, 4096}, {2048, 1024}, {16384, 128}};

void
sea__payloads_init(sea_payloads_t *payloads, void (*on_release)(void *arg, void *holder), void *arg)
{
  *payloads = (sea_payloads_t){.on_release = on_release, .arg = arg};
  sea__list_init(&payloads->all);
  atomic_init(&payloads->home, NULL);
}

static void
let_go(sea_payloads_t *payloads, sea_payload_t *payload)
{
  if (payload->holder != NULL) {
    payloads->on_release(payloads->arg, payload->holder);
    payload->holder = NULL;
  }
}

static void
destroy(sea_payload_t *payload)
{
  sea__list_remove(&payload->all);
  free(payload);
}

void
sea__payloads_deinit(sea_payloads_t *payloads)
{
  sea_list_t *link = payloads->all.next;
  while (link != &payloads->all) {
    sea_payload_t *payload = sea_container_of(link, sea_payload_t, all);
    link = link->next;
    let_go(payloads, payload);
    free(payload);
  }
  sea__list_init(&payloads->all);
}

/* -- host ------------------------------------------------------------------------------------- */

static uint32_t
bin_for(size_t len)
{
  uint32_t bin = 0;
  while (bin < NO_BIN && len > bins[bin].room) {
    bin++;
  }
  return bin;
}

static sea_payload_t *
allocate(sea_payloads_t *payloads, uint32_t bin, size_t len)
{
  sea_payload_t *payload = malloc(sizeof *payload + (bin < NO_BIN ? bins[bin].room : len));
  if (payload != NULL) {
    payload->bin = bin;
    atomic_init(&payload->refs, 0);
    sea__list_append(&payloads->all, &payload->all);
  }
  return payload;
}

static sea_payload_t *
acquire(sea_payloads_t *payloads, size_t len)
{
  uint32_t bin = bin_for(len);
  /* A payload of no bin comes from no pool; what has come home of its kind is to go all the same.
   */
  if ((bin == NO_BIN || payloads->pool[bin] == NULL) && sea__payloads_waiting(payloads)) {
    sea__payloads_collect(payloads);
  }
  if (bin == NO_BIN || payloads->pool[bin] == NULL) {
    return allocate(payloads, bin, len);
  }
  sea_payload_t *payload = payloads->pool[bin];
  payloads->pool[bin] = payload->next;
  payloads->pooled[bin]--;
  return payload;
}

sea_payload_t *
sea__payload_make(sea_payloads_t *payloads, const void *data, size_t len, void *holder)
{
  sea_payload_t *payload = acquire(payloads, holder == NULL ? len : 0);
  if (payload == NULL) {
    return NULL;
  }
  payload->holder = holder;
  payload->data = holder == NULL ? payload->bytes : data;
  payload->len = len;
  if (holder == NULL && len > 0) {
    memcpy(payload->bytes, data, len);
  }
  atomic_store_explicit(&payload->refs, 1, memory_order_relaxed);
  return payload;
}

sea_payload_t *
sea__payload_blank(sea_payloads_t *payloads, size_t room)
{
  sea_payload_t *payload = acquire(payloads, room);
  if (payload != NULL) {
    payload->holder = NULL;
    payload->data = payload->bytes;
    payload->len = 0;
    atomic_store_explicit(&payload->refs, 1, memory_order_relaxed);
  }
  return payload;
}

static void
recycle(sea_payloads_t *payloads, sea_payload_t *payload)
{
  uint32_t bin = payload->bin;
  let_go(payloads, payload);
  if (bin == NO_BIN || payloads->pooled[bin] >= bins[bin].kept) {
    destroy(payload);
    return;
  }
  payload->next = payloads->pool[bin];
  payloads->pool[bin] = payload;
  payloads->pooled[bin]++;
}

/* Whether this was the last hold. Who is the only holder left needs no read-modify-write. */
static bool
give_up(sea_payload_t *payload)
{
  return atomic_load_explicit(&payload->refs, memory_order_acquire) == 1 ||
         atomic_fetch_sub_explicit(&payload->refs, 1, memory_order_acq_rel) == 1;
}

void
sea__payload_drop(sea_payloads_t *payloads, sea_payload_t *payload)
{
  if (give_up(payload)) {
    recycle(payloads, payload);
  }
}

void
sea__payloads_collect(sea_payloads_t *payloads)
{
  sea_payload_t *payload = atomic_exchange_explicit(&payloads->home, NULL, memory_order_acquire);
  while (payload != NULL) {
    sea_payload_t *next = payload->next;
    recycle(payloads, payload);
    payload = next;
  }
}

/* -- worker ----------------------------------------------------------------------------------- */

void
sea__payload_done(sea_payloads_t *payloads, sea_payload_t *payload)
{
  if (!give_up(payload)) {
    return;
  }
  payload->next = payloads->done;
  payloads->done = payload;
  if (payloads->done_last == NULL) {
    payloads->done_last = payload;
  }
}

void
sea__payloads_publish(sea_payloads_t *payloads)
{
  if (payloads->done == NULL) {
    return;
  }
  sea_payload_t *top = atomic_load_explicit(&payloads->home, memory_order_relaxed);
  do {
    payloads->done_last->next = top;
  } while (!atomic_compare_exchange_weak_explicit(&payloads->home, &top, payloads->done,
                                                  memory_order_release, memory_order_relaxed));
  payloads->done = NULL;
  payloads->done_last = NULL;
}
