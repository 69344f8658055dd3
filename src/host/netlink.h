/* Questions to the kernel over netlink: build one, ask, look at each answer. */
#ifndef SEA_HOST_NETLINK_H
#define SEA_HOST_NETLINK_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* <linux/netlink.h> has these too, as signed numbers. */
#define SEA_ATTRIBUTE_HEAD (sizeof(struct nlattr))
#define SEA_MESSAGE_HEAD (sizeof(struct nlmsghdr))

/* Everything in a message begins at a multiple of 4. */
static inline size_t
sea__netlink_align(size_t len)
{
  return (len + 3) & ~(size_t)3;
}

typedef struct sea_netlink {
  int fd;
  uint32_t sequence;
} sea_netlink_t;

typedef struct sea_question {
  union {
    struct nlmsghdr header;
    char bytes[512];
  };
} sea_question_t;

/* Called for each answer with its attributes. A negative result ends the asking with it. */
typedef int (*sea_answer_cb)(void *arg, const struct nlattr *attributes, size_t len);

/* `protocol` is NETLINK_ROUTE, NETLINK_GENERIC, … */
int sea__netlink_open(sea_netlink_t *netlink, int protocol);
void sea__netlink_close(sea_netlink_t *netlink);

/* Starts a question with a fixed part of fixed_len bytes, which its answers have as well. */
void sea__question_init(sea_question_t *question, uint16_t type, bool dump, const void *fixed,
                        size_t fixed_len);
void sea__question_add(sea_question_t *question, uint16_t type, const void *data, size_t len);
/* A string attribute inside an attribute. */
void sea__question_add_nested_string(sea_question_t *question, uint16_t outer, uint16_t inner,
                                     const char *text);

/* Asks and waits until the last answer. -errno of the kernel's refusal. */
int sea__netlink_ask(sea_netlink_t *netlink, sea_question_t *question, size_t fixed_len,
                     sea_answer_cb on_answer, void *arg);

/* The number of a generic netlink family. -ENOENT where the kernel has none of that name. */
int sea__netlink_family(sea_netlink_t *netlink, const char *name, uint16_t *family);

/* -- attributes -------------------------------------------------------------------------------- */

static inline size_t
sea__attribute_len(const struct nlattr *attribute)
{
  return attribute->nla_len - SEA_ATTRIBUTE_HEAD;
}

static inline const void *
sea__attribute_data(const struct nlattr *attribute)
{
  return (const char *)attribute + SEA_ATTRIBUTE_HEAD;
}

static inline uint16_t
sea__attribute_type(const struct nlattr *attribute)
{
  return attribute->nla_type & 0x3fff;
}

/* Numbers of 1, 2, 4 or 8 bytes; 0 for any other length. */
uint64_t sea__attribute_number(const struct nlattr *attribute);
/* Copies as much as fits, and ends it. */
void sea__attribute_text(const struct nlattr *attribute, char *text, size_t size);

/* Walks a sequence of attributes: NULL starts it, NULL ends it. */
const struct nlattr *sea__attribute_next(const struct nlattr *attributes, size_t len,
                                         const struct nlattr *last);
/* The attribute of that type, or NULL. */
const struct nlattr *sea__attribute_find(const struct nlattr *attributes, size_t len,
                                         uint16_t type);
/* The same inside an attribute, which may be NULL. */
const struct nlattr *sea__attribute_find_in(const struct nlattr *outer, uint16_t type);

#endif
