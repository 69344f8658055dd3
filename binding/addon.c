/* The module: what require() of the addon gives. It has no state of its own; everything belongs to
 * the transports that each environment creates. */
#include <node_api.h>
#include <stdio.h>

#include "host.h"
#include "layout.h"
#include "sea.h"
#include "transport.h"
#include "value.h"

static void
set_number(napi_env env, napi_value object, const char *name, double number)
{
  sea_napi_set(env, object, name, sea_napi_number(env, number));
}

/* probe() -> { usable, reason, code, watchResets, undeferred, features: { name: 'available' | errno
 * name } } */
static napi_value
probe(napi_env env, napi_callback_info info)
{
  (void)info;
  sea_features_t features;
  const char *stage;
  char reason[96];
  napi_value object;
  napi_value null;
  int error = sea_probe(&features, &stage);
  napi_create_object(env, &object);
  napi_get_null(env, &null);
  sea_napi_set(env, object, "usable", sea_napi_boolean(env, error == 0));
  if (error < 0) {
    const char *name = sea_napi_errno_name(error);
    snprintf(reason, sizeof reason, "%s failed with %s", stage, name);
    sea_napi_set(env, object, "reason", sea_napi_string(env, reason));
    sea_napi_set(env, object, "code", sea_napi_string(env, name));
  } else {
    sea_napi_set(env, object, "reason", null);
    sea_napi_set(env, object, "code", null);
  }
  sea_napi_set(env, object, "undeferred", sea_napi_boolean(env, features.defer_wakes < 0));
  sea_napi_set(env, object, "watchResets", sea_napi_boolean(env, features.recv_end < 0));
  sea_napi_set(env, object, "features", sea_napi_features(env, &features));
  return object;
}

static napi_value
method_names(napi_env env)
{
  napi_value names;
  napi_create_array(env, &names);
  for (uint32_t i = 0; sea_http_method(i) != NULL; i++) {
    napi_set_element(env, names, i, sea_napi_string(env, sea_http_method(i)));
  }
  return names;
}

static napi_value
constants_object(napi_env env)
{
  napi_value constants;
  napi_create_object(env, &constants);
  set_number(env, constants, "RECORD_KIND", SEA_NAPI_RECORD_KIND);
  set_number(env, constants, "RECORD_SLOT", SEA_NAPI_RECORD_SLOT);
  set_number(env, constants, "RECORD_A", SEA_NAPI_RECORD_A);
  set_number(env, constants, "RECORD_B", SEA_NAPI_RECORD_B);
  set_number(env, constants, "RECORD_LENGTH", SEA_NAPI_RECORD_LENGTH);
  set_number(env, constants, "SLOT_BITS", SEA_SLOT_BITS);
  set_number(env, constants, "OPEN", SEA_EVENT_OPEN);
  set_number(env, constants, "DATA", SEA_EVENT_DATA);
  set_number(env, constants, "DATA_SMALL", SEA_NAPI_SMALL + SEA_EVENT_DATA);
  set_number(env, constants, "END", SEA_EVENT_END);
  set_number(env, constants, "ERROR", SEA_EVENT_ERROR);
  set_number(env, constants, "SENT", SEA_EVENT_SENT);
  set_number(env, constants, "SHUTDOWN", SEA_EVENT_SHUTDOWN);
  set_number(env, constants, "DRAIN", SEA_EVENT_DRAIN);
  set_number(env, constants, "REQUEST", SEA_EVENT_REQUEST);
  set_number(env, constants, "REQUEST_SMALL", SEA_NAPI_SMALL + SEA_EVENT_REQUEST);
  set_number(env, constants, "TRAILERS", SEA_EVENT_TRAILERS);
  set_number(env, constants, "TRAILERS_SMALL", SEA_NAPI_SMALL + SEA_EVENT_TRAILERS);
  set_number(env, constants, "REQUEST_END", SEA_EVENT_REQUEST_END);
  set_number(env, constants, "RAW", SEA_EVENT_RAW);
  set_number(env, constants, "FAILED", SEA_EVENT_FAILED);
  set_number(env, constants, "CLOSED", SEA_EVENT_CLOSED);
  set_number(env, constants, "COMMAND_SPACE", SEA_EVENT_COMMAND_SPACE);
  set_number(env, constants, "LISTENER_CLOSED", SEA_EVENT_LISTENER_CLOSED);
  set_number(env, constants, "STOPPED", SEA_EVENT_STOPPED);
  set_number(env, constants, "WRITE_REFUSED", SEA_NAPI_WRITE_REFUSED);
  set_number(env, constants, "WRITE_QUEUED", SEA_NAPI_WRITE_QUEUED);
  set_number(env, constants, "WRITE_SENT", SEA_NAPI_WRITE_SENT);
  set_number(env, constants, "POST_TAKEN", SEA_NAPI_POST_TAKEN);
  set_number(env, constants, "POST_NO_SPACE", SEA_NAPI_POST_NO_SPACE);
  set_number(env, constants, "POST_REFUSED", SEA_NAPI_POST_REFUSED);
  set_number(env, constants, "HTTP_KEEP_ALIVE", SEA_HTTP_RECORD_KEEP_ALIVE);
  set_number(env, constants, "HTTP_HEAD", SEA_HTTP_RECORD_HEAD);
  set_number(env, constants, "HTTP_1_0", SEA_HTTP_RECORD_1_0);
  set_number(env, constants, "HTTP_COMPLETE", SEA_HTTP_RECORD_COMPLETE);
  set_number(env, constants, "HTTP_RECORD_BYTES", sizeof(sea_http_record_t));
  set_number(env, constants, "REPLY_HEAD", SEA_HTTP_REPLY_HEAD);
  set_number(env, constants, "REPLY_1_0", SEA_HTTP_REPLY_1_0);
  set_number(env, constants, "REPLY_CLOSE", SEA_HTTP_REPLY_CLOSE);
  set_number(env, constants, "REPLY_NO_LENGTH", SEA_HTTP_REPLY_NO_LENGTH);
  set_number(env, constants, "REPLY_NO_DATE", SEA_HTTP_REPLY_NO_DATE);
  set_number(env, constants, "REPLY_NO_BODY", SEA_HTTP_REPLY_NO_BODY);
  sea_napi_set(env, constants, "METHODS", method_names(env));
  set_number(env, constants, "CLOSE_STOP", SEA_CLOSE_STOP);
  set_number(env, constants, "CLOSE_IDLE", SEA_CLOSE_IDLE);
  set_number(env, constants, "CLOSE_NO_MEMORY", SEA_CLOSE_NO_MEMORY);
  return constants;
}

static void
export_function(napi_env env, napi_value exports, const char *name, napi_callback callback)
{
  napi_value function;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, NULL, &function) == napi_ok) {
    sea_napi_set(env, exports, name, function);
  }
}

NAPI_MODULE_INIT()
{
  export_function(env, exports, "createTransport", sea_napi_create_transport);
  export_function(env, exports, "probe", probe);
  export_function(env, exports, "hostFeatures", sea_napi_host_features);
  export_function(env, exports, "interfaces", sea_napi_interfaces);
  export_function(env, exports, "tryZeroCopyReceive", sea_napi_try_zcrx);
  export_function(env, exports, "xdpLibraries", sea_napi_xdp_libraries);
  sea_napi_set(env, exports, "constants", constants_object(env));
  return exports;
}
