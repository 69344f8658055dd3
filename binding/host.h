#ifndef SEA_NAPI_HOST_H
#define SEA_NAPI_HOST_H

#include <node_api.h>

#include "sea.h"

/* { name: 'available' | errno name } of sea_probe(). */
napi_value sea_napi_features(napi_env env, const sea_features_t *features);

/* hostFeatures() -> the same of sea_host_probe() */
napi_value sea_napi_host_features(napi_env env, napi_callback_info info);
/* interfaces(rxQueue, name?) -> array of what is known of each interface, or an errno name */
napi_value sea_napi_interfaces(napi_env env, napi_callback_info info);
/* tryZeroCopyReceive(interface, rxQueue, bufferSize) -> { stage, code: errno name | null } */
napi_value sea_napi_try_zcrx(napi_env env, napi_callback_info info);
/* xdpLibraries() -> { libbpf, libxdp }, each a name or null */
napi_value sea_napi_xdp_libraries(napi_env env, napi_callback_info info);

#endif
