/* Conversions between JavaScript and C values. Helpers assume that our own lib/ calls them: a value
 * of the wrong type becomes the fallback, never undefined behaviour. */
#ifndef SEA_NAPI_VALUE_H
#define SEA_NAPI_VALUE_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* Reading */
uint32_t sea_napi_u32(napi_env env, napi_value value, uint32_t fallback);
bool sea_napi_bool(napi_env env, napi_value value);
/* A safe integer, such as a connection id; 0 when it is none. */
uint64_t sea_napi_id(napi_env env, napi_value value);
uint32_t sea_napi_get_u32(napi_env env, napi_value object, const char *name, uint32_t fallback);
bool sea_napi_get_bool(napi_env env, napi_value object, const char *name);
/* A property that is a string, ended by a 0; an empty text when it is none. */
void sea_napi_get_text(napi_env env, napi_value object, const char *name, char *to, size_t room);

/* Making */
napi_value sea_napi_undefined(napi_env env);
napi_value sea_napi_number(napi_env env, double number);
napi_value sea_napi_boolean(napi_env env, bool flag);
napi_value sea_napi_string(napi_env env, const char *text);
void sea_napi_set(napi_env env, napi_value object, const char *name, napi_value value);
/* { address, family: 'IPv4' | 'IPv6', port }, or undefined for other families. */
napi_value sea_napi_address(napi_env env, const struct sockaddr_storage *address);

/* Throws an Error with the code `errno` has, such as 'ENOMEM', and returns NULL. */
napi_value sea_napi_throw_errno(napi_env env, int error, const char *what);
/* The constant's name, 'EPERM' for -EPERM. */
const char *sea_napi_errno_name(int error);

#endif
