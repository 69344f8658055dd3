/* The parts that the facts about an interface come from. */
#ifndef SEA_HOST_NIC_H
#define SEA_HOST_NIC_H

#include "host.h"
#include "netlink.h"

/* ethtool.c: driver, channels, rings, flow rules and RSS of nic->name, and who uses the queue. */
void sea__nic_ethtool(sea_nic_t *nic, uint32_t rx_queue);

#endif
