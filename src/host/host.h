/* What the machine offers to searings, found by asking and by trying: io_uring features, network
 * interfaces, zero-copy receive. For reports; no server needs it. The second public header.
 *
 * Threads: any; nothing is shared between calls. Every function takes milliseconds at most, and
 * leaves nothing behind.
 *
 * Errors: 0 or a negative errno. Where a struct has an errno of its own per group of fields, the
 * fields are valid when it is 0. */
#ifndef SEA_HOST_H
#define SEA_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "sea.h"

/* -- features.c: what sea_probe() does not try, because no server needs it to start ------------ */

/* 0 = works, otherwise the -errno it answered. */
typedef struct sea_host_features {
  int send_bundles;    /* 6.10 */
  int send_message_zc; /* 6.1 */
  int registered_send; /* 6.0: a zero-copy send from registered memory */
  int napi;            /* 6.9 */
  int sqpoll;          /* 5.11 without privileges */
  int msg_ring;        /* 5.18 */
  int futex_wait;      /* 6.7 */
  int recv_zc;         /* 6.15: the operation, and the registration as far as it goes without a
                          device; -EPERM without CAP_NET_ADMIN */
  int cqe32;           /* 5.19 */
} sea_host_features_t;

void sea_host_probe(sea_host_features_t *features);

/* -- nic.c ------------------------------------------------------------------------------------- */

#define SEA_NIC_NAME_MAX 16
#define SEA_NIC_TEXT_MAX 64
#define SEA_NIC_QUEUES_MAX 1024

typedef enum sea_split {
  SEA_SPLIT_UNKNOWN = 0, /* the driver does not say */
  SEA_SPLIT_OFF = 1,
  SEA_SPLIT_ON = 2,
} sea_split_t;

/* What brings more receive queues: channels that also send, or channels that only receive. */
typedef enum sea_channel_kind {
  SEA_CHANNEL_NONE = 0, /* the driver has no say in how many */
  SEA_CHANNEL_COMBINED = 1,
  SEA_CHANNEL_RX = 2,
} sea_channel_kind_t;

typedef enum sea_queue_user {
  SEA_QUEUE_FREE = 0,
  SEA_QUEUE_IO_URING = 1 << 0,
  SEA_QUEUE_AF_XDP = 1 << 1,
  SEA_QUEUE_DMABUF = 1 << 2,
  SEA_QUEUE_LEASED = 1 << 3,
} sea_queue_user_t;

typedef struct sea_nic {
  uint32_t index;
  char name[SEA_NIC_NAME_MAX];
  char kind[SEA_NIC_TEXT_MAX];   /* "veth", "bridge", …; empty for hardware */
  char parent[SEA_NIC_TEXT_MAX]; /* the device behind it; empty for virtual interfaces */
  uint32_t flags;                /* IFF_* */
  uint8_t operstate;             /* IF_OPER_* */
  uint8_t xdp_attached;          /* XDP_ATTACHED_*; 0 = none */
  uint32_t xdp_program;          /* id of the program, if there is one alone */

  int driver_error;
  char driver[SEA_NIC_TEXT_MAX];

  int channels_error;
  uint32_t rx_queues; /* in use */
  uint32_t rx_queues_max;
  uint8_t channel_kind; /* sea_channel_kind_t */
  uint32_t channels;    /* of that kind in use */

  int rings_error;
  uint8_t data_split;       /* sea_split_t: headers and data of TCP apart */
  bool has_split_threshold; /* the next two; 6.14 */
  uint32_t split_threshold; /* shorter data stays with its header */
  uint32_t split_threshold_max;

  int ntuple_error;
  bool ntuple_possible; /* rules that steer a flow to a queue */
  bool ntuple_on;

  int rss_error;
  bool has_rss_table;        /* the next */
  bool rss_spreads_to_queue; /* the table of the default context names the queue asked about */
  bool has_rss_contexts;     /* the next; 6.12 */
  uint32_t rss_contexts;     /* beside the default one */

  int users_error;
  uint32_t queue_users; /* sea_queue_user_t bits of the queue asked about */
} sea_nic_t;

/* All interfaces of this network namespace, for each the facts about one receive queue. Writes up
 * to `max` and returns how many there are, or -errno. */
int sea_host_nics(sea_nic_t *nics, uint32_t max, uint32_t rx_queue);
/* The same for one. -ENODEV when there is none of that name. */
int sea_host_nic(const char *name, uint32_t rx_queue, sea_nic_t *nic);

/* -- xdp.c ------------------------------------------------------------------------------------- */

#define SEA_XDP_PROGRAMS_MAX 16

typedef struct sea_xdp {
  char bpf_library[SEA_NIC_TEXT_MAX]; /* what was loaded for it; empty = not installed */
  char xdp_library[SEA_NIC_TEXT_MAX];
  uint32_t count;
  char programs[SEA_XDP_PROGRAMS_MAX][SEA_NIC_TEXT_MAX];
  int link_error; /* the next */
  uint32_t link;  /* id of the BPF link that holds the program; 0 = none */
} sea_xdp_t;

/* The names of the XDP programs of an interface, from libxdp (which knows those behind its
 * dispatcher) or libbpf, if one is installed, and the link that holds the program, which takes
 * CAP_SYS_ADMIN to know. `nic` NULL: the libraries only. */
void sea_host_xdp(const sea_nic_t *nic, sea_xdp_t *xdp);

/* -- zcrx.c ------------------------------------------------------------------------------------ */

/* Registers a receive queue for zero-copy receive, as a server would, and releases it at once. That
 * restarts the queue. buffer_size 0 = the kernel's. *stage names what failed. */
int sea_host_zcrx(uint32_t interface, uint32_t rx_queue, uint32_t buffer_size, const char **stage);

#endif
