/* The JavaScript object's life and verbs. */
#include "transport.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "inline.h"
#include "layout.h"
#include "value.h"
#include "verbs.h"

/* -- life ------------------------------------------------------------------------------------- */

void
sea_napi_transport_drop(sea_napi_transport_t *t)
{
  if (--t->holders == 0) {
    free(t->seen);
    sea_napi_scratch_free(t);
    free(t);
  }
}

static void
delete_reference(napi_env env, napi_ref *ref)
{
  if (*ref != NULL) {
    napi_delete_reference(env, *ref);
    *ref = NULL;
  }
}

/* The environment ends (process end, worker.terminate()): no thread of ours may outlive it. Added
 * after the threadsafe function, so that it runs before that one's own clean-up. */
static void
on_env_cleanup(void *arg)
{
  sea_napi_transport_t *t = arg;
  sea_server_destroy(t->core);
  t->core = NULL;
}

void
sea_napi_transport_release(sea_napi_transport_t *t)
{
  if (t->core == NULL) {
    return;
  }
  if (t->inline_driver != NULL) {
    sea_napi_inline_stop(t->inline_driver);
  } else {
    napi_remove_env_cleanup_hook(t->env, on_env_cleanup, t);
  }
  sea_server_destroy(t->core);
  t->core = NULL;
  delete_reference(t->env, &t->on_batch);
  delete_reference(t->env, &t->on_slab);
  delete_reference(t->env, &t->on_later);
  delete_reference(t->env, &t->records_ref);
  delete_reference(t->env, &t->small.ref);
  delete_reference(t->env, &t->large.ref);
  if (t->doorbell != NULL) {
    napi_release_threadsafe_function(t->doorbell, napi_tsfn_abort);
  }
  sea_napi_inline_t *inline_driver = t->inline_driver;
  t->inline_driver = NULL;
  if (inline_driver != NULL) {
    sea_napi_inline_close(inline_driver); /* which may have been the last to hold t */
  }
}

static void
on_doorbell_finalized(napi_env env, void *data, void *hint)
{
  (void)env;
  (void)hint;
  sea_napi_transport_drop(data);
}

static void
on_object_finalized(napi_env env, void *data, void *hint)
{
  (void)env;
  (void)hint;
  sea_napi_transport_drop(data);
}

static void
read_options(napi_env env, napi_value object, sea_options_t *o)
{
  sea_options_init(o);
  o->queue_depth = sea_napi_get_u32(env, object, "queueDepth", o->queue_depth);
  o->buffer_count = sea_napi_get_u32(env, object, "bufferCount", o->buffer_count);
  o->buffer_size = sea_napi_get_u32(env, object, "bufferSize", o->buffer_size);
  o->command_capacity = sea_napi_get_u32(env, object, "commandQueueCapacity", o->command_capacity);
  o->event_capacity = sea_napi_get_u32(env, object, "eventQueueCapacity", o->event_capacity);
  o->recv_bundles = sea_napi_get_bool(env, object, "useRecvBundle");
  o->incremental_buffers = sea_napi_get_bool(env, object, "useIncrementalBuffers");
  o->zero_copy_send = sea_napi_get_bool(env, object, "useZeroCopySend");
  o->send_buffers = sea_napi_get_bool(env, object, "useRegisteredSendBuffer");
  o->zero_copy_min = sea_napi_get_u32(env, object, "zeroCopySendMin", o->zero_copy_min);
  o->send_buffer_count = sea_napi_get_u32(env, object, "sendBufferCount", o->send_buffer_count);
  o->send_buffer_size = sea_napi_get_u32(env, object, "sendBufferSize", o->send_buffer_size);
  o->zcrx = sea_napi_get_bool(env, object, "useZeroCopyReceive");
  sea_napi_get_text(env, object, "zcrxInterfaceName", o->zcrx_interface, sizeof o->zcrx_interface);
  o->zcrx_no_device = sea_napi_get_bool(env, object, "zcrxWithoutDevice");
  o->zcrx_rx_queue = sea_napi_get_u32(env, object, "zcrxRxQueue", 0);
  o->zcrx_buffer_size = sea_napi_get_u32(env, object, "zcrxRxBufferSize", 0);
  o->zcrx_area_size = sea_napi_get_u32(env, object, "zcrxAreaSize", o->zcrx_area_size);
  o->busy_poll_us = sea_napi_get_u32(env, object, "busyPollMicros", 0);
  o->idle_ms = sea_napi_get_u32(env, object, "idleTimeoutMs", 0);
  o->conns_max = sea_napi_get_u32(env, object, "connectionsMax", 0);
  o->send_queue_max = sea_napi_get_u32(env, object, "sendQueueCapacity", o->send_queue_max);
  o->undeferred = sea_napi_get_bool(env, object, "undeferred");
  o->watch_resets = sea_napi_get_bool(env, object, "watchResets");
  o->restricted = sea_napi_get_bool(env, object, "restrictedRing");
  o->echo = sea_napi_get_bool(env, object, "echo");
  o->driver = sea_napi_get_bool(env, object, "inline") ? SEA_DRIVER_INLINE : SEA_DRIVER_WORKER;
}

static bool
take_records(napi_env env, napi_value array, sea_napi_transport_t *t)
{
  napi_typedarray_type type;
  size_t length;
  void *data;
  if (napi_get_typedarray_info(env, array, &type, &length, &data, NULL, NULL) != napi_ok ||
      type != napi_int32_array || length < SEA_NAPI_RECORD_LENGTH) {
    return false;
  }
  t->records = data;
  t->records_max = (uint32_t)(length / SEA_NAPI_RECORD_LENGTH);
  return napi_create_reference(env, array, 1, &t->records_ref) == napi_ok;
}

static int
create_core(napi_env env, napi_value options_object, sea_napi_transport_t *t)
{
  sea_options_t options;
  read_options(env, options_object, &options);
  t->driver = options.driver;
  t->mixed = sea_napi_get_bool(env, options_object, "mixedBatches");
  options.on_events = sea_napi_ring;
  options.on_release = sea_napi_on_release;
  options.arg = t;
  sea_http_options_t *http = NULL;
  int error = sea_napi_read_http(env, options_object, &http);
  options.http = http;
  if (error == 0) {
    error = sea_server_create(&options, &t->core);
  }
  sea_napi_free_http(http);
  return error;
}

static bool
create_doorbell(napi_env env, sea_napi_transport_t *t)
{
  napi_value name = sea_napi_string(env, "searings");
  if (napi_create_threadsafe_function(env, NULL, NULL, name, 0, 1, t, on_doorbell_finalized, t,
                                      sea_napi_on_doorbell, &t->doorbell) != napi_ok) {
    return false;
  }
  t->holders++;
  napi_unref_threadsafe_function(env, t->doorbell);
  napi_add_env_cleanup_hook(env, on_env_cleanup, t);
  return true;
}

/* What brings the events, then the object: each holds the struct. */
static napi_value
create_object(napi_env env, sea_napi_transport_t *t)
{
  napi_value object;
  if (t->driver == SEA_DRIVER_INLINE) {
    t->inline_driver = sea_napi_inline_create(t);
    if (t->inline_driver == NULL) {
      return NULL;
    }
  } else if (!create_doorbell(env, t)) {
    return NULL;
  }
  if (napi_create_object(env, &object) != napi_ok ||
      napi_wrap(env, object, t, on_object_finalized, NULL, NULL) != napi_ok) {
    return NULL;
  }
  t->holders++;
  return sea_napi_define_verbs(env, object, t) ? object : NULL;
}

napi_value
sea_napi_create_transport(napi_env env, napi_callback_info info)
{
  napi_value args[5];
  size_t argc = 5;
  napi_get_cb_info(env, info, &argc, args, NULL, NULL);
  sea_napi_transport_t *t = calloc(1, sizeof *t);
  if (t == NULL) {
    return sea_napi_throw_errno(env, -ENOMEM, "createTransport");
  }
  t->env = env;
  t->holders = 1; /* this function */
  int error = argc < 5 || !take_records(env, args[1], t) ? -EINVAL : create_core(env, args[0], t);
  napi_value object = NULL;
  if (error == 0) {
    napi_create_reference(env, args[2], 1, &t->on_batch);
    napi_create_reference(env, args[3], 1, &t->on_slab);
    napi_create_reference(env, args[4], 1, &t->on_later);
    object = create_object(env, t);
    error = object == NULL ? -ENOMEM : 0;
  }
  if (error < 0) {
    sea_napi_transport_release(t);
    sea_napi_throw_errno(env, error, "createTransport");
    object = NULL;
  }
  sea_napi_transport_drop(t);
  return object;
}
