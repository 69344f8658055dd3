/* The parts that the facts about an interface come from. */
#ifndef SEA_HOST_NIC_H
#define SEA_HOST_NIC_H

#include "host.h"
#include "netlink.h"

/* Channels in use, and how many there could be. */
typedef struct sea_channels {
  uint32_t rx;
  uint32_t rx_max;
  uint32_t combined;
  uint32_t combined_max;
} sea_channels_t;

/* ethtool.c: what channels mean for receive queues. */
void sea__nic_channels(sea_nic_t *nic, const sea_channels_t *channels);
/* ethtool.c: driver, channels, rings, flow rules and RSS of nic->name, and who uses the queue. */
void sea__nic_ethtool(sea_nic_t *nic, uint32_t rx_queue);

#endif
