/* What a server tells of itself, as one JavaScript object. */
#include "info.h"

#include "value.h"

static napi_value
path_state(napi_env env, int32_t state)
{
  const char *word = state == SEA_PATH_ON ? "on" : "not asked for";
  return sea_napi_string(env, state < 0 ? sea_napi_errno_name(state) : word);
}

static napi_value
fast_paths(napi_env env, const sea_info_t *i)
{
  const struct {
    const char *name;
    int32_t state;
  } paths[] = {
      {"recvBundle", i->recv_bundles},     {"incrementalBuffers", i->incremental_buffers},
      {"zeroCopySend", i->zero_copy_send}, {"registeredSendBuffer", i->send_buffers},
      {"zeroCopyReceive", i->zcrx},
  };
  napi_value object;
  napi_create_object(env, &object);
  for (size_t k = 0; k < sizeof paths / sizeof *paths; k++) {
    sea_napi_set(env, object, paths[k].name, path_state(env, paths[k].state));
  }
  return object;
}

static void
set_http(napi_env env, napi_value object, const sea_info_t *i)
{
  sea_napi_set(env, object, "httpRequests", sea_napi_number(env, (double)i->http_requests));
  sea_napi_set(env, object, "httpFixed", sea_napi_number(env, (double)i->http_fixed));
  sea_napi_set(env, object, "httpRefused", sea_napi_number(env, (double)i->http_refused));
  sea_napi_set(env, object, "httpTimeouts", sea_napi_number(env, (double)i->http_timeouts));
}

napi_value
sea_napi_info(napi_env env, const sea_server_t *core)
{
  napi_value object;
  sea_info_t i;
  if (napi_create_object(env, &object) != napi_ok) {
    return sea_napi_undefined(env);
  }
  sea_server_info(core, &i);
  const struct {
    const char *name;
    uint64_t value;
  } fields[] = {
      {"connectionsActive", i.connections_active},
      {"connectionsAccepted", i.connections_accepted},
      {"connectionsClosed", i.connections_closed},
      {"connectionsRejected", i.connections_rejected},
      {"slotsInUse", i.slots_in_use},
      {"buffersInUse", i.buffers_in_use},
      {"idleTimeouts", i.idle_timeouts},
      {"acceptBackoffs", i.accept_backoffs},
      {"bytesReceived", i.bytes_received},
      {"bytesSent", i.bytes_sent},
      {"directSends", i.direct_sends},
      {"commandRefusals", i.command_refusals},
      {"eventStalls", i.event_stalls},
      {"bufferStarvations", i.buffer_starvations},
      {"multishotRearms", i.multishot_rearms},
      {"cqOverflows", i.cq_overflows},
      {"enters", i.enters},
      {"doorbells", i.doorbells},
      {"wakeups", i.wakeups},
      {"passes", i.passes},
      {"ringFlags", i.ring_flags},
      {"sqEntries", i.sq_entries},
      {"cqEntries", i.cq_entries},
      {"bufferCount", i.buffer_count},
      {"bufferSize", i.buffer_size},
      {"sendBufferCount", i.send_buffer_count},
      {"sendBufferSize", i.send_buffer_size},
      {"bundleCompletions", i.bundle_completions},
      {"bundleBuffers", i.bundle_buffers},
      {"bundleBytes", i.bundle_bytes},
      {"zeroCopyRequests", i.zero_copy_requests},
      {"zeroCopyNotifications", i.zero_copy_notifications},
      {"zeroCopyCopied", i.zero_copy_copied},
      {"zeroCopyErrors", i.zero_copy_errors},
      {"registeredSendRequests", i.send_buffer_requests},
      {"registeredSendMisses", i.send_buffer_misses},
      {"zcrxPackets", i.zcrx_packets},
      {"zcrxBytes", i.zcrx_bytes},
      {"zcrxRefills", i.zcrx_refills},
      {"zcrxCopies", i.zcrx_copies},
      {"zcrxExhaustions", i.zcrx_exhaustions},
      {"zcrxAreaSize", i.zcrx_area_size},
  };
  for (size_t k = 0; k < sizeof fields / sizeof *fields; k++) {
    sea_napi_set(env, object, fields[k].name, sea_napi_number(env, (double)fields[k].value));
  }
  sea_napi_set(env, object, "restrictedRing", path_state(env, i.restricted));
  if (i.http) {
    set_http(env, object, &i);
  }
  sea_napi_set(env, object, "fastPaths", fast_paths(env, &i));
  return object;
}
