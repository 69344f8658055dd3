/* What the machine offers, as plain JavaScript objects. */
#include "host.h"

#include <errno.h>
#include <stdlib.h>

#include "host/host.h"
#include "value.h"

/* -- features ---------------------------------------------------------------------------------- */

typedef struct named_error {
  const char *name;
  int error;
} named_error_t;

static napi_value
availability(napi_env env, const named_error_t *features, size_t count)
{
  napi_value object;
  napi_create_object(env, &object);
  for (size_t i = 0; i < count; i++) {
    const char *word = features[i].error == 0 ? "available"
                                              : sea_napi_errno_name(features[i].error);
    sea_napi_set(env, object, features[i].name, sea_napi_string(env, word));
  }
  return object;
}

napi_value
sea_napi_features(napi_env env, const sea_features_t *f)
{
  const named_error_t features[] = {
      {"ring", f->ring},
      {"submitAll", f->submit_all},
      {"coopTaskrun", f->coop_taskrun},
      {"singleIssuer", f->single_issuer},
      {"deferTaskrun", f->defer_taskrun},
      {"registeredRing", f->registered_ring},
      {"bufferRing", f->buffer_ring},
      {"multishotAccept", f->multishot_accept},
      {"multishotRecv", f->multishot_recv},
      {"cancelFd", f->cancel_fd},
      {"sendZeroCopy", f->send_zero_copy},
      {"recvBundle", f->recv_bundles},
      {"incrementalBuffers", f->incremental_buffers},
  };
  return availability(env, features, sizeof features / sizeof *features);
}

napi_value
sea_napi_host_features(napi_env env, napi_callback_info info)
{
  (void)info;
  sea_host_features_t f;
  sea_host_probe(&f);
  const named_error_t features[] = {
      {"sendBundle", f.send_bundles},
      {"sendMessageZeroCopy", f.send_message_zc},
      {"registeredSendBuffer", f.registered_send},
      {"napi", f.napi},
      {"sqpoll", f.sqpoll},
      {"msgRing", f.msg_ring},
      {"futexWait", f.futex_wait},
      {"recvZeroCopy", f.recv_zc},
      {"cqe32", f.cqe32},
  };
  return availability(env, features, sizeof features / sizeof *features);
}

/* -- interfaces -------------------------------------------------------------------------------- */

static void
set_number(napi_env env, napi_value object, const char *name, uint32_t number)
{
  sea_napi_set(env, object, name, sea_napi_number(env, number));
}

static void
set_boolean(napi_env env, napi_value object, const char *name, bool flag)
{
  sea_napi_set(env, object, name, sea_napi_boolean(env, flag));
}

static void
set_text(napi_env env, napi_value object, const char *name, const char *text)
{
  sea_napi_set(env, object, name, sea_napi_string(env, text));
}

static napi_value
null_value(napi_env env)
{
  napi_value value = NULL;
  napi_get_null(env, &value);
  return value;
}

/* An empty text is none. */
static void
set_text_or_null(napi_env env, napi_value object, const char *name, const char *text)
{
  sea_napi_set(env, object, name, *text == '\0' ? null_value(env) : sea_napi_string(env, text));
}

static napi_value
errors_object(napi_env env, const sea_nic_t *nic)
{
  const named_error_t errors[] = {
      {"driver", nic->driver_error}, {"channels", nic->channels_error}, {"rings", nic->rings_error},
      {"ntuple", nic->ntuple_error}, {"rss", nic->rss_error},           {"users", nic->users_error},
  };
  napi_value object;
  napi_create_object(env, &object);
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
    const char *code = errors[i].error == 0 ? "" : sea_napi_errno_name(errors[i].error);
    set_text_or_null(env, object, errors[i].name, code);
  }
  return object;
}

/* The names of the programs, and the link that holds them: null where that is not known. */
static void
set_xdp(napi_env env, napi_value object, const sea_nic_t *nic)
{
  napi_value array;
  sea_xdp_t xdp = {.count = 0};
  napi_create_array(env, &array);
  if (nic->xdp_attached != 0) {
    sea_host_xdp(nic, &xdp);
  }
  for (uint32_t i = 0; i < xdp.count; i++) {
    napi_set_element(env, array, i, sea_napi_string(env, xdp.programs[i]));
  }
  sea_napi_set(env, object, "xdpPrograms", array);
  sea_napi_set(env, object, "xdpLink",
               xdp.link_error == 0 ? sea_napi_number(env, xdp.link) : null_value(env));
}

static napi_value
users_object(napi_env env, const sea_nic_t *nic)
{
  napi_value users;
  napi_create_object(env, &users);
  set_boolean(env, users, "ioUring", (nic->queue_users & SEA_QUEUE_IO_URING) != 0);
  set_boolean(env, users, "afXdp", (nic->queue_users & SEA_QUEUE_AF_XDP) != 0);
  set_boolean(env, users, "dmabuf", (nic->queue_users & SEA_QUEUE_DMABUF) != 0);
  set_boolean(env, users, "leased", (nic->queue_users & SEA_QUEUE_LEASED) != 0);
  return users;
}

static napi_value
interface_object(napi_env env, const sea_nic_t *nic)
{
  napi_value object;
  napi_create_object(env, &object);
  set_number(env, object, "index", nic->index);
  set_text(env, object, "name", nic->name);
  set_text_or_null(env, object, "kind", nic->kind);
  set_text_or_null(env, object, "parent", nic->parent);
  set_text_or_null(env, object, "driver", nic->driver);
  set_number(env, object, "flags", nic->flags);
  set_number(env, object, "operstate", nic->operstate);
  set_number(env, object, "xdpAttached", nic->xdp_attached);
  set_number(env, object, "xdpProgram", nic->xdp_program);
  set_xdp(env, object, nic);
  set_number(env, object, "rxQueues", nic->rx_queues);
  set_number(env, object, "rxQueuesMax", nic->rx_queues_max);
  set_number(env, object, "channelKind", nic->channel_kind);
  set_number(env, object, "channels", nic->channels);
  set_number(env, object, "dataSplit", nic->data_split);
  set_boolean(env, object, "hasSplitThreshold", nic->has_split_threshold);
  set_number(env, object, "splitThreshold", nic->split_threshold);
  set_boolean(env, object, "ntuplePossible", nic->ntuple_possible);
  set_boolean(env, object, "ntupleOn", nic->ntuple_on);
  set_boolean(env, object, "hasRssTable", nic->has_rss_table);
  set_boolean(env, object, "rssSpreadsToQueue", nic->rss_spreads_to_queue);
  set_boolean(env, object, "hasRssContexts", nic->has_rss_contexts);
  set_number(env, object, "rssContexts", nic->rss_contexts);
  sea_napi_set(env, object, "users", users_object(env, nic));
  sea_napi_set(env, object, "errors", errors_object(env, nic));
  return object;
}

/* All, or the one of that name; -errno, or how many there are. */
static int
find_interfaces(const char *name, uint32_t rx_queue, sea_nic_t **nics, uint32_t *room)
{
  int count = name == NULL ? sea_host_nics(NULL, 0, rx_queue) : 1;
  if (count < 0) {
    return count;
  }
  *room = (uint32_t)count + 1; /* never nothing, and one may come meanwhile */
  *nics = calloc(*room, sizeof **nics);
  if (*nics == NULL) {
    return -ENOMEM;
  }
  if (name == NULL) {
    return sea_host_nics(*nics, *room, rx_queue);
  }
  int error = sea_host_nic(name, rx_queue, *nics);
  return error < 0 ? error : 1;
}

static napi_value
list_interfaces(napi_env env, const char *name, uint32_t rx_queue)
{
  sea_nic_t *nics = NULL;
  uint32_t room = 0;
  napi_value result;
  int count = find_interfaces(name, rx_queue, &nics, &room);
  if (count < 0) {
    result = sea_napi_string(env, sea_napi_errno_name(count));
  } else {
    napi_create_array(env, &result);
    for (uint32_t i = 0; i < (uint32_t)count && i < room; i++) {
      napi_set_element(env, result, i, interface_object(env, &nics[i]));
    }
  }
  free(nics);
  return result;
}

napi_value
sea_napi_interfaces(napi_env env, napi_callback_info info)
{
  napi_value arguments[2];
  size_t count = 2;
  char name[64];
  size_t len;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  uint32_t rx_queue = sea_napi_u32(env, arguments[0], 0);
  bool named = napi_get_value_string_utf8(env, arguments[1], name, sizeof name, &len) == napi_ok;
  return list_interfaces(env, named ? name : NULL, rx_queue);
}

/* -- zero-copy receive ------------------------------------------------------------------------- */

napi_value
sea_napi_try_zcrx(napi_env env, napi_callback_info info)
{
  napi_value arguments[3];
  size_t count = 3;
  const char *stage;
  napi_value object;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  int error = sea_host_zcrx(sea_napi_u32(env, arguments[0], 0), sea_napi_u32(env, arguments[1], 0),
                            sea_napi_u32(env, arguments[2], 0), &stage);
  napi_create_object(env, &object);
  set_text(env, object, "stage", stage);
  set_text_or_null(env, object, "code", error == 0 ? "" : sea_napi_errno_name(error));
  return object;
}

napi_value
sea_napi_xdp_libraries(napi_env env, napi_callback_info info)
{
  (void)info;
  sea_xdp_t xdp;
  napi_value object;
  sea_host_xdp(NULL, &xdp);
  napi_create_object(env, &object);
  set_text_or_null(env, object, "libbpf", xdp.bpf_library);
  set_text_or_null(env, object, "libxdp", xdp.xdp_library);
  return object;
}
