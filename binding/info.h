#ifndef SEA_NAPI_INFO_H
#define SEA_NAPI_INFO_H

#include <node_api.h>

#include "sea.h"

/* Counters by name; fastPaths: { name: 'on' | 'not asked for' | errno name }. */
napi_value sea_napi_info(napi_env env, const sea_server_t *core);

#endif
