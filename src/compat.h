/* What liburing 2.3 and Linux 6.1's headers do not know yet, each with the kernel that brought it.
 * Used only where a probe or the ring itself has said that it is there. */
#ifndef SEA_COMPAT_H
#define SEA_COMPAT_H

#include <stdint.h>

/* 6.2: the notification of a zero-copy send tells whether the kernel copied after all */
#define SEA_IORING_SEND_ZC_REPORT_USAGE (1U << 3)
#define SEA_IORING_NOTIF_USAGE_ZC_COPIED (1U << 31)

/* 6.10: one receive may fill several provided buffers */
#define SEA_IORING_FEAT_RECVSEND_BUNDLE (1U << 14)
#define SEA_IORING_RECVSEND_BUNDLE (1U << 4)

/* 6.12: several receives may fill one provided buffer */
#define SEA_IOU_PBUF_RING_INC 2U
#define SEA_IORING_CQE_F_BUF_MORE (1U << 4)

/* 6.7 */
#define SEA_IORING_OP_FUTEX_WAIT 51
#define SEA_IORING_OP_FUTEX_WAKE 52
#define SEA_FUTEX2_SIZE_U32 0x02
#define SEA_FUTEX2_PRIVATE 0x80

/* 6.9: busy polling of the queues that a ring's sockets receive from */
#define SEA_IORING_REGISTER_NAPI 27
#define SEA_IORING_UNREGISTER_NAPI 28

typedef struct sea_uapi_napi {
  uint32_t busy_poll_us;
  uint8_t prefer_busy_poll;
  uint8_t pad[3];
  uint64_t reserved;
} sea_uapi_napi_t;

/* 6.15: zero-copy receive */
#define SEA_IORING_OP_RECV_ZC 58
#define SEA_IORING_REGISTER_ZCRX_IFQ 32
#define SEA_IORING_REGION_USER_MEMORY 1U

typedef struct sea_uapi_region {
  uint64_t address;
  uint64_t size;
  uint32_t flags;
  uint32_t id;
  uint64_t mmap_offset;
  uint64_t reserved[4];
} sea_uapi_region_t;

typedef struct sea_uapi_zcrx_area {
  uint64_t address;
  uint64_t length;
  uint64_t refill_token;
  uint32_t flags;
  uint32_t dmabuf_fd;
  uint64_t reserved[2];
} sea_uapi_zcrx_area_t;

typedef struct sea_uapi_zcrx_queue {
  uint32_t interface;
  uint32_t rx_queue;
  uint32_t refill_entries;
  uint32_t flags;
  uint64_t area;   /* pointer to sea_uapi_zcrx_area_t */
  uint64_t region; /* pointer to sea_uapi_region_t */
  uint32_t offset_head;
  uint32_t offset_tail;
  uint32_t offset_entries;
  uint32_t offsets_reserved[5];
  uint32_t id;
  uint32_t buffer_size; /* 7.0; must be 0 before */
  uint64_t reserved[3];
} sea_uapi_zcrx_queue_t;

/* 7.1: a queue of no card */
#define SEA_ZCRX_NO_DEVICE (1U << 1)

/* 6.19: the kernel takes back what is in the refill ring, without waiting for the card to ask */
#define SEA_IORING_REGISTER_ZCRX_CTRL 36
#define SEA_ZCRX_CTRL_FLUSH 0

typedef struct sea_uapi_zcrx_ctrl {
  uint32_t queue_id;
  uint32_t what;
  uint64_t reserved[8];
} sea_uapi_zcrx_ctrl_t;

#endif
