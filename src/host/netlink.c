#include "netlink.h"

#include <assert.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_BYTES 32768 /* what the kernel writes at a time, at most */
#define ANSWER_TIMEOUT_S 5 /* only a broken kernel lets us wait at all */

int
sea__netlink_open(sea_netlink_t *netlink, int protocol)
{
  const struct timeval limit = {.tv_sec = ANSWER_TIMEOUT_S};
  const int on = 1;
  netlink->sequence = 0;
  netlink->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  if (netlink->fd < 0) {
    return -errno;
  }
  setsockopt(netlink->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  /* Refusals then come without the question. */
  setsockopt(netlink->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  return 0;
}

void
sea__netlink_close(sea_netlink_t *netlink)
{
  close(netlink->fd);
}

/* -- questions --------------------------------------------------------------------------------- */

void
sea__question_init(sea_question_t *question, uint16_t type, bool dump, const void *fixed,
                   size_t fixed_len)
{
  memset(question, 0, sizeof *question);
  question->header.nlmsg_type = type;
  question->header.nlmsg_flags = NLM_F_REQUEST | (dump ? NLM_F_DUMP : NLM_F_ACK);
  question->header.nlmsg_len = (uint32_t)(SEA_MESSAGE_HEAD + sea__netlink_align(fixed_len));
  memcpy(question->bytes + SEA_MESSAGE_HEAD, fixed, fixed_len);
}

void
sea__question_add(sea_question_t *question, uint16_t type, const void *data, size_t len)
{
  uint32_t at = question->header.nlmsg_len;
  struct nlattr attribute = {.nla_len = (uint16_t)(SEA_ATTRIBUTE_HEAD + len), .nla_type = type};
  assert(at + SEA_ATTRIBUTE_HEAD + sea__netlink_align(len) <= sizeof question->bytes);
  memcpy(question->bytes + at, &attribute, sizeof attribute);
  memcpy(question->bytes + at + SEA_ATTRIBUTE_HEAD, data, len);
  question->header.nlmsg_len = (uint32_t)(at + SEA_ATTRIBUTE_HEAD + sea__netlink_align(len));
}

void
sea__question_add_nested_string(sea_question_t *question, uint16_t outer, uint16_t inner,
                                const char *text)
{
  char nested[SEA_ATTRIBUTE_HEAD + 64];
  size_t len = strnlen(text, sizeof nested - SEA_ATTRIBUTE_HEAD - 1);
  struct nlattr attribute = {.nla_len = (uint16_t)(SEA_ATTRIBUTE_HEAD + len + 1),
                             .nla_type = inner};
  memset(nested, 0, sizeof nested);
  memcpy(nested, &attribute, sizeof attribute);
  memcpy(nested + SEA_ATTRIBUTE_HEAD, text, len);
  sea__question_add(question, outer | NLA_F_NESTED, nested,
                    SEA_ATTRIBUTE_HEAD + sea__netlink_align(len + 1));
}

/* -- answers ----------------------------------------------------------------------------------- */

typedef struct asking {
  uint32_t sequence;
  size_t fixed_len;
  sea_answer_cb on_answer;
  void *arg;
  int error;
  bool done;
} asking_t;

static void
take_message(asking_t *asking, const struct nlmsghdr *message)
{
  const char *payload = (const char *)message + SEA_MESSAGE_HEAD;
  size_t len = message->nlmsg_len - SEA_MESSAGE_HEAD;
  if (message->nlmsg_seq != asking->sequence) {
    return;
  }
  if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR) {
    int error = 0;
    memcpy(&error, payload, len < sizeof error ? len : sizeof error);
    asking->done = true;
    asking->error = asking->error < 0 ? asking->error : error;
    return;
  }
  size_t skip = sea__netlink_align(asking->fixed_len);
  if (len >= skip && asking->error == 0) {
    const void *attributes = payload + skip;
    asking->error = asking->on_answer(asking->arg, attributes, len - skip);
  }
}

int
sea__netlink_ask(sea_netlink_t *netlink, sea_question_t *question, size_t fixed_len,
                 sea_answer_cb on_answer, void *arg)
{
  _Alignas(struct nlmsghdr) char bytes[ANSWER_BYTES];
  asking_t asking = {
      .sequence = ++netlink->sequence, .fixed_len = fixed_len, .on_answer = on_answer, .arg = arg};
  question->header.nlmsg_seq = asking.sequence;
  if (send(netlink->fd, question, question->header.nlmsg_len, 0) < 0) {
    return -errno;
  }
  while (!asking.done) {
    ssize_t got = recv(netlink->fd, bytes, sizeof bytes, 0);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return got < 0 ? -errno : -EIO;
    }
    size_t left = (size_t)got;
    const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)bytes;
    while (left >= sizeof *message && message->nlmsg_len >= sizeof *message &&
           message->nlmsg_len <= left) {
      size_t step = sea__netlink_align(message->nlmsg_len);
      take_message(&asking, message);
      left -= step < left ? step : left;
      message = (const struct nlmsghdr *)(const void *)((const char *)message + step);
    }
  }
  return asking.error;
}

static int
take_family(void *arg, const struct nlattr *attributes, size_t len)
{
  const struct nlattr *id = sea__attribute_find(attributes, len, CTRL_ATTR_FAMILY_ID);
  if (id == NULL) {
    return -EPROTO;
  }
  *(uint16_t *)arg = (uint16_t)sea__attribute_number(id);
  return 0;
}

int
sea__netlink_family(sea_netlink_t *netlink, const char *name, uint16_t *family)
{
  const struct genlmsghdr get = {.cmd = CTRL_CMD_GETFAMILY, .version = 1};
  sea_question_t question;
  sea__question_init(&question, GENL_ID_CTRL, false, &get, sizeof get);
  sea__question_add(&question, CTRL_ATTR_FAMILY_NAME, name, strlen(name) + 1);
  return sea__netlink_ask(netlink, &question, sizeof get, take_family, family);
}

/* -- attributes -------------------------------------------------------------------------------- */

uint64_t
sea__attribute_number(const struct nlattr *attribute)
{
  const void *data = sea__attribute_data(attribute);
  union {
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
  } value = {0};
  size_t len = sea__attribute_len(attribute);
  if (len > sizeof value) {
    return 0;
  }
  memcpy(&value, data, len);
  switch (len) {
  case sizeof value.u8:
    return value.u8;
  case sizeof value.u16:
    return value.u16;
  case sizeof value.u32:
    return value.u32;
  case sizeof value.u64:
    return value.u64;
  default:
    return 0;
  }
}

void
sea__attribute_text(const struct nlattr *attribute, char *text, size_t size)
{
  size_t len = strnlen(sea__attribute_data(attribute), sea__attribute_len(attribute));
  len = len < size ? len : size - 1;
  memcpy(text, sea__attribute_data(attribute), len);
  text[len] = '\0';
}

const struct nlattr *
sea__attribute_next(const struct nlattr *attributes, size_t len, const struct nlattr *last)
{
  const char *end = (const char *)attributes + len;
  const char *at = (const char *)attributes;
  if (last != NULL) {
    at = (const char *)last + sea__netlink_align(last->nla_len);
  }
  if (at > end || (size_t)(end - at) < SEA_ATTRIBUTE_HEAD) {
    return NULL;
  }
  const struct nlattr *next = (const struct nlattr *)(const void *)at;
  return next->nla_len < SEA_ATTRIBUTE_HEAD || next->nla_len > end - at ? NULL : next;
}

const struct nlattr *
sea__attribute_find(const struct nlattr *attributes, size_t len, uint16_t type)
{
  const struct nlattr *attribute = NULL;
  do {
    attribute = sea__attribute_next(attributes, len, attribute);
  } while (attribute != NULL && sea__attribute_type(attribute) != type);
  return attribute;
}

const struct nlattr *
sea__attribute_find_in(const struct nlattr *outer, uint16_t type)
{
  if (outer == NULL) {
    return NULL;
  }
  return sea__attribute_find(sea__attribute_data(outer), sea__attribute_len(outer), type);
}
