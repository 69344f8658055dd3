#include "value.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

uint32_t
sea_napi_u32(napi_env env, napi_value value, uint32_t fallback)
{
  uint32_t number = fallback;
  return napi_get_value_uint32(env, value, &number) == napi_ok ? number : fallback;
}

bool
sea_napi_bool(napi_env env, napi_value value)
{
  bool flag = false;
  return napi_get_value_bool(env, value, &flag) == napi_ok && flag;
}

uint64_t
sea_napi_id(napi_env env, napi_value value)
{
  int64_t id = 0;
  return napi_get_value_int64(env, value, &id) == napi_ok && id > 0 ? (uint64_t)id : 0;
}

uint32_t
sea_napi_get_u32(napi_env env, napi_value object, const char *name, uint32_t fallback)
{
  napi_value value;
  if (napi_get_named_property(env, object, name, &value) != napi_ok) {
    return fallback;
  }
  return sea_napi_u32(env, value, fallback);
}

bool
sea_napi_get_bool(napi_env env, napi_value object, const char *name)
{
  napi_value value;
  return napi_get_named_property(env, object, name, &value) == napi_ok && sea_napi_bool(env, value);
}

void
sea_napi_get_text(napi_env env, napi_value object, const char *name, char *to, size_t room)
{
  napi_value value;
  size_t len;
  if (napi_get_named_property(env, object, name, &value) != napi_ok ||
      napi_get_value_string_utf8(env, value, to, room, &len) != napi_ok) {
    to[0] = '\0';
  }
}

napi_value
sea_napi_undefined(napi_env env)
{
  napi_value value = NULL;
  napi_get_undefined(env, &value);
  return value;
}

napi_value
sea_napi_number(napi_env env, double number)
{
  napi_value value = NULL;
  napi_create_double(env, number, &value);
  return value;
}

napi_value
sea_napi_boolean(napi_env env, bool flag)
{
  napi_value value = NULL;
  napi_get_boolean(env, flag, &value);
  return value;
}

napi_value
sea_napi_string(napi_env env, const char *text)
{
  napi_value value = NULL;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
  return value;
}

void
sea_napi_set(napi_env env, napi_value object, const char *name, napi_value value)
{
  napi_set_named_property(env, object, name, value);
}

static napi_value
make_address(napi_env env, const char *text, const char *family, uint16_t port)
{
  napi_value object = NULL;
  napi_create_object(env, &object);
  sea_napi_set(env, object, "address", sea_napi_string(env, text));
  sea_napi_set(env, object, "family", sea_napi_string(env, family));
  sea_napi_set(env, object, "port", sea_napi_number(env, port));
  return object;
}

/* Link-local addresses name their interface, as Node's do. */
static void
append_scope(char *text, size_t size, const struct sockaddr_in6 *in6)
{
  char name[IF_NAMESIZE];
  if (IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr) && in6->sin6_scope_id != 0 &&
      if_indextoname(in6->sin6_scope_id, name) != NULL) {
    size_t len = strlen(text);
    snprintf(text + len, size - len, "%%%s", name);
  }
}

napi_value
sea_napi_address(napi_env env, const struct sockaddr_storage *address)
{
  char text[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
  if (address->ss_family == AF_INET) {
    const struct sockaddr_in *in = (const struct sockaddr_in *)address;
    inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
    return make_address(env, text, "IPv4", ntohs(in->sin_port));
  }
  if (address->ss_family == AF_INET6) {
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
    inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text);
    append_scope(text, sizeof text, in6);
    return make_address(env, text, "IPv6", ntohs(in6->sin6_port));
  }
  return sea_napi_undefined(env);
}

napi_value
sea_napi_throw_errno(napi_env env, int error, const char *what)
{
  char message[160];
  const char *name = sea_napi_errno_name(error);
  snprintf(message, sizeof message, "%s: %s: %s", what, name, strerror(-error));
  napi_throw_error(env, name, message);
  return NULL;
}
