/* The methods of a transport object. */
#ifndef SEA_NAPI_VERBS_H
#define SEA_NAPI_VERBS_H

#include "transport.h"

/* Each method carries the transport as its data, which saves the look-up of a wrapped object per
 * call. lib/ never keeps a method without its object. */
bool sea_napi_define_verbs(napi_env env, napi_value object, sea_napi_transport_t *transport);

/* -- for the files of verbs -- */

typedef struct sea_napi_verb {
  const char *name;
  napi_callback verb;
} sea_napi_verb_t;

bool sea_napi_define(napi_env env, napi_value object, sea_napi_transport_t *transport,
                     const sea_napi_verb_t *verbs, size_t n);
/* The transport, and `max` arguments, those not given undefined; NULL when it was released. */
sea_napi_transport_t *sea_napi_enter(napi_env env, napi_callback_info info, napi_value *args,
                                     size_t max);

/* raw_verbs.c */
bool sea_napi_define_raw_verbs(napi_env env, napi_value object, sea_napi_transport_t *transport);

/* http.c */
bool sea_napi_define_http_verbs(napi_env env, napi_value object, sea_napi_transport_t *transport);
/* Options of HTTP, from `options.http`; 0 and *out NULL without. The routes' bytes are read from
 * JavaScript's Buffers, so use it before returning there. */
int sea_napi_read_http(napi_env env, napi_value options, sea_http_options_t **out);
void sea_napi_free_http(sea_http_options_t *http);

#endif
