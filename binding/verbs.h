/* The methods of a transport object. */
#ifndef SEA_NAPI_VERBS_H
#define SEA_NAPI_VERBS_H

#include "transport.h"

/* Each method carries the transport as its data, which saves the look-up of a wrapped object per
 * call. lib/ never keeps a method without its object. */
bool sea_napi_define_verbs(napi_env env, napi_value object, sea_napi_transport_t *transport);

#endif
