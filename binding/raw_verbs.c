/* The methods of the raw API: sends that JavaScript need not keep the memory of. */
#include <errno.h>
#include <stdlib.h>

#include "layout.h"
#include "transport.h"
#include "value.h"
#include "verbs.h"

/* Up to this many bytes the core copies, which is cheaper than holding the Buffer. */
#define COPY_BYTES_MAX 16384U
/* The same when many connections share the copy. */
#define SHARED_COPY_BYTES_MAX 65536U

/* What a call hands to the core, kept from call to call. */
typedef struct sea_napi_scratch {
  sea_outgoing_t *entries;
  uint32_t entries_len;
  sea_conn_id_t *ids;
  uint32_t ids_len;
} sea_napi_scratch_t;

void
sea_napi_scratch_free(sea_napi_transport_t *t)
{
  if (t->scratch != NULL) {
    free(t->scratch->entries);
    free(t->scratch->ids);
    free(t->scratch);
  }
}

/* Makes *array at least n long. */
static bool
grow(void **array, uint32_t *len, uint32_t n, size_t size)
{
  if (n <= *len) {
    return true;
  }
  uint32_t longer = n + n / 2 + 16;
  void *grown = realloc(*array, longer * size);
  if (grown == NULL) {
    return false;
  }
  *array = grown;
  *len = longer;
  return true;
}

static sea_napi_scratch_t *
scratch_for(sea_napi_transport_t *t, uint32_t entries, uint32_t ids)
{
  if (t->scratch == NULL) {
    t->scratch = calloc(1, sizeof *t->scratch);
  }
  sea_napi_scratch_t *s = t->scratch;
  if (s == NULL || !grow((void **)&s->entries, &s->entries_len, entries, sizeof *s->entries) ||
      !grow((void **)&s->ids, &s->ids_len, ids, sizeof *s->ids)) {
    return NULL;
  }
  return s;
}

void
sea_napi_on_release(void *transport, void *holder)
{
  sea_napi_transport_t *t = transport;
  napi_delete_reference(t->env, holder);
}

/* Bytes of a Buffer; a large one is kept alive until they have been sent. */
static bool
read_bytes(napi_env env, napi_value buffer, size_t copy_max, sea_outgoing_t *outgoing)
{
  void *data = NULL;
  napi_ref holder = NULL;
  if (napi_get_buffer_info(env, buffer, &data, &outgoing->len) != napi_ok ||
      (outgoing->len > copy_max && napi_create_reference(env, buffer, 1, &holder) != napi_ok)) {
    return false;
  }
  outgoing->data = data;
  outgoing->holder = holder;
  return true;
}

static napi_value
answer(napi_env env, int error)
{
  switch (error) {
  case 0:
    return sea_napi_number(env, SEA_NAPI_POST_TAKEN);
  case -ENOBUFS:
    return sea_napi_number(env, SEA_NAPI_POST_NO_SPACE);
  case -ENOMEM:
    return sea_napi_throw_errno(env, error, "send");
  default:
    return sea_napi_number(env, SEA_NAPI_POST_REFUSED);
  }
}

/* post(id, buffer, finish) -> constants.POST_* */
static napi_value
verb_post(napi_env env, napi_callback_info info)
{
  napi_value args[3];
  sea_outgoing_t entry = {0};
  sea_napi_transport_t *t = sea_napi_enter(env, info, args, 3);
  if (t == NULL || !read_bytes(env, args[1], COPY_BYTES_MAX, &entry)) {
    return answer(env, -ENOTCONN);
  }
  entry.id = sea_napi_id(env, args[0]);
  return answer(env, sea_post(t->core, &entry, 1, sea_napi_bool(env, args[2])));
}

/* The ids of a Float64Array's first n elements, or NULL. */
static const double *
read_ids(napi_env env, napi_value array, uint32_t n)
{
  napi_typedarray_type type;
  size_t length = 0;
  void *data = NULL;
  bool fits = napi_get_typedarray_info(env, array, &type, &length, &data, NULL, NULL) == napi_ok &&
              type == napi_float64_array && length >= n;
  return fits ? data : NULL;
}

static int
read_entries(napi_env env, napi_value buffers, const double *ids, uint32_t n,
             sea_outgoing_t *entries)
{
  for (uint32_t i = 0; i < n; i++) {
    napi_value buffer;
    entries[i] = (sea_outgoing_t){.id = (sea_conn_id_t)ids[i]};
    if (napi_get_element(env, buffers, i, &buffer) != napi_ok ||
        !read_bytes(env, buffer, COPY_BYTES_MAX, &entries[i])) {
      return -EINVAL;
    }
  }
  return 0;
}

/* postMany(ids, buffers, n, finish) -> constants.POST_*: all or none */
static napi_value
verb_post_many(napi_env env, napi_callback_info info)
{
  napi_value args[4];
  sea_napi_transport_t *t = sea_napi_enter(env, info, args, 4);
  uint32_t n = sea_napi_u32(env, args[2], 0);
  const double *ids = read_ids(env, args[0], n);
  if (t == NULL || ids == NULL) {
    return answer(env, -ENOTCONN);
  }
  sea_napi_scratch_t *s = scratch_for(t, n, 0);
  int error = s == NULL ? -ENOMEM : read_entries(env, args[1], ids, n, s->entries);
  if (error == 0) {
    error = sea_post(t->core, s->entries, n, sea_napi_bool(env, args[3]));
  }
  return answer(env, error);
}

/* broadcast(ids, n, buffer) -> how many took it. Element n of ids becomes the index at which the
 * command ring was full, or n. Ids of 0 are passed over. */
static napi_value
verb_broadcast(napi_env env, napi_callback_info info)
{
  napi_value args[3];
  uint32_t stopped = 0;
  sea_outgoing_t what = {0};
  sea_napi_transport_t *t = sea_napi_enter(env, info, args, 3);
  uint32_t n = sea_napi_u32(env, args[1], 0);
  /* NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): JavaScript's memory, to be written */
  double *ids = (double *)read_ids(env, args[0], n + 1);
  sea_napi_scratch_t *s = t == NULL || ids == NULL ? NULL : scratch_for(t, 0, n);
  if (s == NULL || !read_bytes(env, args[2], SHARED_COPY_BYTES_MAX, &what)) {
    return sea_napi_number(env, 0);
  }
  for (uint32_t i = 0; i < n; i++) {
    s->ids[i] = (sea_conn_id_t)ids[i];
  }
  uint32_t taken = sea_broadcast(t->core, s->ids, n, &what, &stopped);
  ids[n] = stopped;
  return sea_napi_number(env, taken);
}

bool
sea_napi_define_raw_verbs(napi_env env, napi_value object, sea_napi_transport_t *transport)
{
  static const sea_napi_verb_t verbs[] = {
      {"post", verb_post},
      {"postMany", verb_post_many},
      {"broadcast", verb_broadcast},
  };
  return sea_napi_define(env, object, transport, verbs, sizeof verbs / sizeof *verbs);
}
