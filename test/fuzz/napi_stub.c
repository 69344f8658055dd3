/* As much of Node-API as reading options needs, over an object whose properties are whatever the
 * input says. What is not here is not called: the linker leaves it open. */
#include "napi_stub.h"

#include <stdlib.h>
#include <string.h>

#define VALUES_MAX 2048U
#define FUNCTIONS_MAX 64U
#define TEXT_MAX 2048U

/* A value is its index, counted from 1. */
typedef struct value {
  napi_valuetype type;
  double number;
  bool flag;
  size_t len;
  char text[TEXT_MAX];
} value_t;

static struct {
  fuzz_input_t *input;
  void *transport; /* the data of every function */
  value_t values[VALUES_MAX];
  uint32_t used;
  struct {
    const char *name;
    napi_callback callback;
  } functions[FUNCTIONS_MAX];
  uint32_t functions_used;
  bool thrown;
} js;

static value_t *
at(napi_value value)
{
  uintptr_t index = (uintptr_t)value;
  fuzz_must(index > 0 && index <= js.used);
  return &js.values[index - 1];
}

static napi_value
add(napi_valuetype type)
{
  fuzz_must(js.used < VALUES_MAX);
  js.values[js.used].type = type;
  return (napi_value)(uintptr_t)++js.used;
}

void
stub_begin(fuzz_input_t *input)
{
  js.input = input;
  js.used = 0;
  js.functions_used = 0;
  js.thrown = false;
}

bool
stub_thrown(void)
{
  return js.thrown;
}

napi_value
stub_call(const char *name)
{
  for (uint32_t i = 0; i < js.functions_used; i++) {
    if (strcmp(js.functions[i].name, name) == 0) {
      return js.functions[i].callback(NULL, NULL);
    }
  }
  return NULL;
}

double
stub_number(napi_value value)
{
  return at(value)->number;
}

/* Any value. Numbers are often at the edges of what is looked for. */
static napi_value
any_value(void)
{
  static const double edges[] = {0, 1, 7, 8, 16, 32768, 4294967295, 4294967296, 2147483648, -1};
  napi_value made = add(napi_undefined);
  value_t *value = at(made);
  uint8_t kind = fuzz_u8(js.input);
  switch (kind % 6) {
  case 0:
    value->type = napi_number;
    value->number = edges[kind / 6 % (sizeof edges / sizeof *edges)];
    break;
  case 1:
    value->type = napi_number;
    value->number = fuzz_u32(js.input);
    break;
  case 2:
    value->type = napi_boolean;
    value->flag = (kind & 64) != 0;
    break;
  case 3:
    value->type = napi_string;
    value->len = fuzz_u8(js.input) * (kind & 64 ? 8U : 1U);
    fuzz_take(js.input, value->text, value->len);
    break;
  case 4:
    value->type = napi_object;
    break;
  default:
    break;
  }
  return made;
}

/* -- Node-API --------------------------------------------------------------------------------- */

/* Every call gets five arguments of an object's kind, whatever it asks for. */
napi_status
napi_get_cb_info(napi_env env, napi_callback_info info, size_t *argc, napi_value *args,
                 napi_value *this, void **data)
{
  (void)env;
  (void)info;
  (void)this;
  for (size_t i = 0; i < *argc; i++) {
    args[i] = add(napi_object);
  }
  if (data != NULL) {
    *data = js.transport;
  }
  return napi_ok;
}

napi_status
napi_get_named_property(napi_env env, napi_value object, const char *name, napi_value *result)
{
  (void)env;
  (void)object;
  (void)name;
  if (fuzz_u8(js.input) == 255) {
    return napi_pending_exception; /* a getter threw */
  }
  *result = any_value();
  return napi_ok;
}

napi_status
napi_typeof(napi_env env, napi_value value, napi_valuetype *type)
{
  (void)env;
  *type = at(value)->type;
  return napi_ok;
}

napi_status
napi_get_value_uint32(napi_env env, napi_value value, uint32_t *result)
{
  (void)env;
  *result = (uint32_t)(int64_t)at(value)->number;
  return at(value)->type == napi_number ? napi_ok : napi_number_expected;
}

napi_status
napi_get_value_int64(napi_env env, napi_value value, int64_t *result)
{
  (void)env;
  if (value == NULL) {
    return napi_invalid_arg;
  }
  *result = (int64_t)at(value)->number;
  return at(value)->type == napi_number ? napi_ok : napi_number_expected;
}

/* Strings are Buffers too. */
napi_status
napi_get_buffer_info(napi_env env, napi_value buffer, void **data, size_t *len)
{
  (void)env;
  value_t *bytes = at(buffer);
  if (bytes->type != napi_string) {
    return napi_invalid_arg;
  }
  *data = bytes->text;
  *len = bytes->len;
  return napi_ok;
}

/* Objects are short arrays too. */
napi_status
napi_get_array_length(napi_env env, napi_value array, uint32_t *result)
{
  (void)env;
  if (at(array)->type != napi_object) {
    return napi_array_expected;
  }
  *result = fuzz_u8(js.input) % 8;
  return napi_ok;
}

napi_status
napi_get_element(napi_env env, napi_value array, uint32_t i, napi_value *result)
{
  (void)env;
  (void)array;
  (void)i;
  *result = add(napi_object);
  return napi_ok;
}

napi_status
napi_get_value_bool(napi_env env, napi_value value, bool *result)
{
  (void)env;
  *result = at(value)->flag;
  return at(value)->type == napi_boolean ? napi_ok : napi_boolean_expected;
}

napi_status
napi_get_value_string_utf8(napi_env env, napi_value value, char *to, size_t room, size_t *len)
{
  (void)env;
  const value_t *text = at(value);
  if (text->type != napi_string) {
    return napi_string_expected;
  }
  size_t n = text->len;
  if (to != NULL && room > 0) {
    n = n < room - 1 ? n : room - 1;
    memcpy(to, text->text, n);
    to[n] = '\0';
  }
  if (len != NULL) {
    *len = n;
  }
  return napi_ok;
}

napi_status
napi_get_typedarray_info(napi_env env, napi_value array, napi_typedarray_type *type, size_t *length,
                         void **data, napi_value *buffer, size_t *offset)
{
  static int32_t records[64];
  (void)env;
  (void)array;
  (void)buffer;
  (void)offset;
  *type = napi_int32_array;
  *length = 64;
  *data = records;
  return napi_ok;
}

napi_status
napi_create_function(napi_env env, const char *name, size_t len, napi_callback callback, void *data,
                     napi_value *result)
{
  (void)env;
  (void)len;
  fuzz_must(js.functions_used < FUNCTIONS_MAX);
  js.transport = data;
  js.functions[js.functions_used].name = name;
  js.functions[js.functions_used++].callback = callback;
  *result = add(napi_function);
  return napi_ok;
}

napi_status
napi_create_double(napi_env env, double number, napi_value *result)
{
  (void)env;
  *result = add(napi_number);
  at(*result)->number = number;
  return napi_ok;
}

napi_status
napi_create_string_utf8(napi_env env, const char *text, size_t len, napi_value *result)
{
  (void)env;
  (void)text;
  (void)len;
  *result = add(napi_undefined);
  return napi_ok;
}

napi_status
napi_create_object(napi_env env, napi_value *result)
{
  (void)env;
  *result = add(napi_object);
  return napi_ok;
}

napi_status
napi_set_named_property(napi_env env, napi_value object, const char *name, napi_value value)
{
  (void)env;
  (void)object;
  (void)name;
  (void)value;
  return napi_ok;
}

napi_status
napi_create_reference(napi_env env, napi_value value, uint32_t count, napi_ref *result)
{
  (void)env;
  (void)count;
  *result = (napi_ref)value;
  return napi_ok;
}

napi_status
napi_delete_reference(napi_env env, napi_ref ref)
{
  (void)env;
  (void)ref;
  return napi_ok;
}

/* Its finalizers run at the end, as those of the environment would. */
static napi_finalize finalizers[2];
static void *finalized[2];

napi_status
napi_wrap(napi_env env, napi_value object, void *data, napi_finalize finalize, void *hint,
          napi_ref *result)
{
  (void)env;
  (void)object;
  (void)hint;
  (void)result;
  finalizers[0] = finalize;
  finalized[0] = data;
  return napi_ok;
}

napi_status
napi_create_threadsafe_function(napi_env env, napi_value function, napi_value resource,
                                napi_value name, size_t queue, size_t threads, void *data,
                                napi_finalize finalize, void *context,
                                napi_threadsafe_function_call_js call,
                                napi_threadsafe_function *result)
{
  (void)env;
  (void)function;
  (void)resource;
  (void)name;
  (void)queue;
  (void)threads;
  (void)context;
  (void)call;
  finalizers[1] = finalize;
  finalized[1] = data;
  *result = (napi_threadsafe_function)&js;
  return napi_ok;
}

void
stub_end(void)
{
  for (int i = 0; i < 2; i++) {
    if (finalizers[i] != NULL) {
      finalizers[i](NULL, finalized[i], NULL);
      finalizers[i] = NULL;
    }
  }
}

napi_status
napi_release_threadsafe_function(napi_threadsafe_function function,
                                 napi_threadsafe_function_release_mode mode)
{
  (void)function;
  (void)mode;
  return napi_ok;
}

napi_status
napi_unref_threadsafe_function(napi_env env, napi_threadsafe_function function)
{
  (void)env;
  (void)function;
  return napi_ok;
}

napi_status
napi_add_env_cleanup_hook(napi_env env, void (*hook)(void *), void *arg)
{
  (void)env;
  (void)hook;
  (void)arg;
  return napi_ok;
}

napi_status
napi_remove_env_cleanup_hook(napi_env env, void (*hook)(void *), void *arg)
{
  (void)env;
  (void)hook;
  (void)arg;
  return napi_ok;
}

napi_status
napi_throw_error(napi_env env, const char *code, const char *message)
{
  (void)env;
  fuzz_must(code != NULL && message != NULL);
  js.thrown = true;
  return napi_ok;
}
