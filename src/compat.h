/* What liburing 2.3 and Linux 6.1's headers do not know yet, each with the kernel that brought it.
 * Used only where a probe or the ring itself has said that it is there. */
#ifndef SEA_COMPAT_H
#define SEA_COMPAT_H

/* 6.2: the notification of a zero-copy send tells whether the kernel copied after all */
#define SEA_IORING_SEND_ZC_REPORT_USAGE (1U << 3)
#define SEA_IORING_NOTIF_USAGE_ZC_COPIED (1U << 31)

/* 6.10: one receive may fill several provided buffers */
#define SEA_IORING_FEAT_RECVSEND_BUNDLE (1U << 14)
#define SEA_IORING_RECVSEND_BUNDLE (1U << 4)

/* 6.12: several receives may fill one provided buffer */
#define SEA_IOU_PBUF_RING_INC 2U
#define SEA_IORING_CQE_F_BUF_MORE (1U << 4)

#endif
