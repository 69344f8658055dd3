#include "inline.h"

#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "value.h"

/* The longest that passes and batches follow each other without a turn of the event loop. */
#define BURST_US_MAX 1000

enum { HANDLES = 4 };

struct sea_napi_inline {
  sea_napi_transport_t *transport;
  uv_loop_t *loop;
  uv_poll_t wake;            /* the ring has something */
  uv_prepare_t before_sleep; /* of the event loop */
  uv_idle_t unrest;          /* active: the event loop must not sleep, as there is work left */
  uv_timer_t timer;          /* the core's own */
  uint64_t timer_due_ms;
  uint32_t handles; /* that are open */
  bool held;        /* the server keeps the process alive */
  bool rung;        /* there are events for JavaScript */
  bool closed;
  napi_async_context context;
  napi_async_cleanup_hook_handle hook;
};

/* -- a turn ------------------------------------------------------------------------------------ */

void
sea_napi_inline_ring(sea_napi_inline_t *d)
{
  d->rung = true;
}

/* One batch. In a callback scope of its own, at whose end ticks and microtasks run. */
static void
deliver(sea_napi_inline_t *d)
{
  sea_napi_transport_t *t = d->transport;
  napi_handle_scope handles;
  napi_callback_scope ticks;
  d->rung = false;
  if (napi_open_handle_scope(t->env, &handles) != napi_ok) {
    return;
  }
  if (napi_open_callback_scope(t->env, NULL, d->context, &ticks) == napi_ok) {
    sea_napi_deliver(t);
    napi_close_callback_scope(t->env, ticks);
  }
  napi_close_handle_scope(t->env, handles);
  if (!d->closed && sea_events_again(t->core)) {
    d->rung = true;
  }
}

/* True when there is nothing left to do; the ring wakes us when there is. */
static bool
turn(sea_napi_inline_t *d)
{
  sea_server_t *core = d->transport->core;
  uint64_t end = sea_napi_now_us() + BURST_US_MAX;
  sea_inline_wake(core);
  do {
    sea_inline_pass(core);
    if (!d->rung && sea_inline_sleep(core)) {
      return true;
    }
    if (d->rung) {
      deliver(d);
    }
  } while (!d->closed && sea_napi_now_us() < end);
  return d->closed;
}

static void
on_timer(uv_timer_t *timer)
{
  sea_napi_inline_t *d = timer->data;
  if (!d->closed) {
    turn(d);
  }
}

/* Fires early rather than being moved in every turn. */
static void
set_timer(sea_napi_inline_t *d)
{
  int64_t wait = sea_inline_wait_ms(d->transport->core);
  if (wait < 0) {
    return;
  }
  uint64_t due = sea_napi_now_us() / 1000U + (uint64_t)wait;
  if (!uv_is_active((uv_handle_t *)&d->timer) || due < d->timer_due_ms) {
    uv_timer_start(&d->timer, on_timer, (uint64_t)wait, 0);
    d->timer_due_ms = due;
  }
}

static void
stay_awake(uv_idle_t *unrest)
{
  (void)unrest;
}

void
sea_napi_inline_nudge(sea_napi_inline_t *d)
{
  if (!d->closed && d->handles > 0) {
    uv_idle_start(&d->unrest, stay_awake);
  }
}

static void
on_before_sleep(uv_prepare_t *prepare)
{
  sea_napi_inline_t *d = prepare->data;
  if (d->closed) {
    return;
  }
  bool done = (!d->rung && sea_inline_sleep(d->transport->core)) || turn(d);
  if (d->closed) {
    return;
  }
  if (done) {
    uv_idle_stop(&d->unrest);
  } else {
    uv_idle_start(&d->unrest, stay_awake);
  }
  set_timer(d);
}

static void
on_wake(uv_poll_t *wake, int status, int events)
{
  sea_napi_inline_t *d = wake->data;
  uint64_t count;
  (void)status;
  (void)events;
  if (d->closed) {
    return;
  }
  (void)!read(sea_inline_fd(d->transport->core), &count, sizeof count);
  turn(d);
}

/* -- life ------------------------------------------------------------------------------------- */

static void
destroy(sea_napi_inline_t *d)
{
  /* Not sooner: the server may be released inside a callback scope of this context. */
  if (d->context != NULL) {
    napi_async_destroy(d->transport->env, d->context);
  }
  sea_napi_transport_drop(d->transport);
  if (d->hook != NULL) {
    napi_remove_async_cleanup_hook(d->hook);
  }
  free(d);
}

static void
on_handle_closed(uv_handle_t *handle)
{
  sea_napi_inline_t *d = handle->data;
  if (--d->handles == 0) {
    destroy(d);
  }
}

void
sea_napi_inline_stop(sea_napi_inline_t *d)
{
  d->closed = true;
  if (d->handles > 0) {
    uv_poll_stop(&d->wake);
  }
}

void
sea_napi_inline_close(sea_napi_inline_t *d)
{
  if (d->handles == 0) {
    destroy(d);
    return;
  }
  uv_close((uv_handle_t *)&d->wake, on_handle_closed);
  uv_close((uv_handle_t *)&d->before_sleep, on_handle_closed);
  uv_close((uv_handle_t *)&d->unrest, on_handle_closed);
  uv_close((uv_handle_t *)&d->timer, on_handle_closed);
}

/* The environment ends (process end, worker.terminate()), and waits until the handles are closed.
 */
static void
on_env_cleanup(napi_async_cleanup_hook_handle hook, void *arg)
{
  sea_napi_inline_t *d = arg;
  (void)hook;
  if (!d->closed) {
    sea_napi_transport_release(d->transport);
  }
}

sea_napi_inline_t *
sea_napi_inline_create(sea_napi_transport_t *transport)
{
  napi_env env = transport->env;
  sea_napi_inline_t *d = calloc(1, sizeof *d);
  if (d == NULL) {
    return NULL;
  }
  d->transport = transport;
  transport->holders++;
  if (napi_get_uv_event_loop(env, &d->loop) != napi_ok ||
      napi_async_init(env, NULL, sea_napi_string(env, "SEARINGS"), &d->context) != napi_ok ||
      napi_add_async_cleanup_hook(env, on_env_cleanup, d, &d->hook) != napi_ok) {
    sea_napi_inline_stop(d);
    sea_napi_inline_close(d);
    return NULL;
  }
  return d;
}

/* Only the first can fail. */
static int
open_handles(sea_napi_inline_t *d)
{
  int error = uv_poll_init(d->loop, &d->wake, sea_inline_fd(d->transport->core));
  if (error < 0) {
    return error;
  }
  uv_prepare_init(d->loop, &d->before_sleep);
  uv_idle_init(d->loop, &d->unrest);
  uv_timer_init(d->loop, &d->timer);
  d->handles = HANDLES;
  d->wake.data = d;
  d->before_sleep.data = d;
  d->unrest.data = d;
  d->timer.data = d;
  uv_unref((uv_handle_t *)&d->before_sleep);
  uv_unref((uv_handle_t *)&d->unrest);
  uv_unref((uv_handle_t *)&d->timer);
  return 0;
}

int
sea_napi_inline_start(sea_napi_inline_t *d)
{
  int error = sea_server_start(d->transport->core);
  if (error < 0) {
    return error;
  }
  error = open_handles(d);
  if (error < 0) {
    return error;
  }
  sea_napi_inline_hold(d, d->held);
  uv_prepare_start(&d->before_sleep, on_before_sleep);
  sea_napi_inline_nudge(d);
  return uv_poll_start(&d->wake, UV_READABLE, on_wake);
}

void
sea_napi_inline_hold(sea_napi_inline_t *d, bool hold)
{
  d->held = hold;
  if (d->handles == 0) {
    return;
  }
  if (hold) {
    uv_ref((uv_handle_t *)&d->wake);
  } else {
    uv_unref((uv_handle_t *)&d->wake);
  }
}
