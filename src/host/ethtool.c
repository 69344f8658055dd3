/* What a card's driver tells: over ethtool's netlink family, by ioctl where that is the only way,
 * and over the netdev family for who uses a queue. */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nic.h"

/* Newer than Linux 6.1's headers: ethtool's of 6.2 and 6.14, the netdev family's of 6.8 to 6.16. */
#define MSG_RSS_GET 38
#define A_RSS_CONTEXT 2
#define A_RSS_INDIRECTION 4
#define A_RINGS_SPLIT_THRESHOLD 17
#define A_RINGS_SPLIT_THRESHOLD_MAX 18
#define NETDEV_CMD_QUEUE_GET 10
#define NETDEV_A_QUEUE_ID 1
#define NETDEV_A_QUEUE_IFINDEX 2
#define NETDEV_A_QUEUE_TYPE 3
#define NETDEV_A_QUEUE_DMABUF 5
#define NETDEV_A_QUEUE_IO_URING 6
#define NETDEV_A_QUEUE_XSK 7
#define NETDEV_A_QUEUE_LEASE 8
#define NETDEV_QUEUE_TYPE_RX 0U

/* -- ioctl ------------------------------------------------------------------------------------- */

static int
ask_driver(const sea_nic_t *nic, void *command)
{
  struct ifreq request = {.ifr_data = command};
  memcpy(request.ifr_name, nic->name, sizeof request.ifr_name);
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return -errno;
  }
  int error = ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
  close(fd);
  return error;
}

static void
take_driver(sea_nic_t *nic)
{
  struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
  nic->driver_error = ask_driver(nic, &info);
  memcpy(nic->driver, info.driver, sizeof info.driver);
  nic->driver[sizeof info.driver - 1] = '\0';
}

/* Some drivers have receive queues, but no say in how many. */
static void
take_queues_by_ioctl(sea_nic_t *nic)
{
  struct ethtool_rxnfc rings = {.cmd = ETHTOOL_GRXRINGS};
  if (ask_driver(nic, &rings) == 0) {
    nic->channels_error = 0;
    nic->rx_queues = (uint32_t)rings.data;
    nic->rx_queues_max = (uint32_t)rings.data;
  }
}

/* -- ethtool's netlink family --------------------------------------------------------------------
 */

static uint32_t
number_of(const struct nlattr *attributes, size_t len, uint16_t type)
{
  const struct nlattr *attribute = sea__attribute_find(attributes, len, type);
  return attribute == NULL ? 0 : (uint32_t)sea__attribute_number(attribute);
}

/* Drivers give both maxima for the same queues: whatever the mixture, it has no more than the
 * larger. */
void
sea__nic_channels(sea_nic_t *nic, const sea_channels_t *channels)
{
  uint32_t max = channels->rx_max > channels->combined_max ? channels->rx_max
                                                           : channels->combined_max;
  nic->rx_queues = channels->rx + channels->combined;
  nic->rx_queues_max = max > nic->rx_queues ? max : nic->rx_queues;
  if (channels->combined > 0 || (channels->rx == 0 && channels->combined_max > 0)) {
    nic->channel_kind = SEA_CHANNEL_COMBINED;
    nic->channels = channels->combined;
  } else if (channels->rx_max > 0) {
    nic->channel_kind = SEA_CHANNEL_RX;
    nic->channels = channels->rx;
  }
}

static int
take_channels(void *arg, const struct nlattr *attributes, size_t len)
{
  const sea_channels_t channels = {
      .rx = number_of(attributes, len, ETHTOOL_A_CHANNELS_RX_COUNT),
      .rx_max = number_of(attributes, len, ETHTOOL_A_CHANNELS_RX_MAX),
      .combined = number_of(attributes, len, ETHTOOL_A_CHANNELS_COMBINED_COUNT),
      .combined_max = number_of(attributes, len, ETHTOOL_A_CHANNELS_COMBINED_MAX),
  };
  sea__nic_channels(arg, &channels);
  return 0;
}

static int
take_rings(void *arg, const struct nlattr *attributes, size_t len)
{
  sea_nic_t *nic = arg;
  nic->data_split = (uint8_t)number_of(attributes, len, ETHTOOL_A_RINGS_TCP_DATA_SPLIT);
  nic->has_split_threshold = sea__attribute_find(attributes, len, A_RINGS_SPLIT_THRESHOLD) != NULL;
  nic->split_threshold = number_of(attributes, len, A_RINGS_SPLIT_THRESHOLD);
  nic->split_threshold_max = number_of(attributes, len, A_RINGS_SPLIT_THRESHOLD_MAX);
  return 0;
}

/* A bitset that names its bits lists those that are set, and in a set with a mask also others. */
static bool
names_ntuple(const struct nlattr *bitset)
{
  const struct nlattr *bits = sea__attribute_find_in(bitset, ETHTOOL_A_BITSET_BITS);
  bool has_mask = sea__attribute_find_in(bitset, ETHTOOL_A_BITSET_NOMASK) == NULL;
  const struct nlattr *bit = NULL;
  while (bits != NULL && (bit = sea__attribute_next(sea__attribute_data(bits),
                                                    sea__attribute_len(bits), bit)) != NULL) {
    char name[64] = "";
    const struct nlattr *text = sea__attribute_find_in(bit, ETHTOOL_A_BITSET_BIT_NAME);
    if (text != NULL) {
      sea__attribute_text(text, name, sizeof name);
    }
    if (strcmp(name, "rx-ntuple-filter") == 0) {
      return !has_mask || sea__attribute_find_in(bit, ETHTOOL_A_BITSET_BIT_VALUE) != NULL;
    }
  }
  return false;
}

static int
take_features(void *arg, const struct nlattr *attributes, size_t len)
{
  sea_nic_t *nic = arg;
  nic->ntuple_possible = names_ntuple(sea__attribute_find(attributes, len, ETHTOOL_A_FEATURES_HW));
  nic->ntuple_on = names_ntuple(sea__attribute_find(attributes, len, ETHTOOL_A_FEATURES_ACTIVE));
  return 0;
}

typedef struct rss {
  sea_nic_t *nic;
  uint32_t rx_queue;
} rss_t;

static int
take_rss(void *arg, const struct nlattr *attributes, size_t len)
{
  rss_t *rss = arg;
  if (number_of(attributes, len, A_RSS_CONTEXT) != 0) {
    rss->nic->rss_contexts++;
    return 0;
  }
  const struct nlattr *table = sea__attribute_find(attributes, len, A_RSS_INDIRECTION);
  if (table == NULL) {
    return 0;
  }
  rss->nic->has_rss_table = true;
  const char *entries = sea__attribute_data(table);
  for (size_t at = 0; at + sizeof(uint32_t) <= sea__attribute_len(table); at += sizeof(uint32_t)) {
    uint32_t queue;
    memcpy(&queue, entries + at, sizeof queue);
    rss->nic->rss_spreads_to_queue |= queue == rss->rx_queue;
  }
  return 0;
}

/* The header of every question to ethtool: the interface's name. Types 1 and 2 in all of them. */
static int
ask_ethtool(sea_netlink_t *netlink, uint16_t family, uint8_t command, const sea_nic_t *nic,
            bool dump, sea_answer_cb on_answer, void *arg)
{
  const struct genlmsghdr get = {.cmd = command, .version = ETHTOOL_GENL_VERSION};
  sea_question_t question;
  sea__question_init(&question, family, dump, &get, sizeof get);
  sea__question_add_nested_string(&question, 1, ETHTOOL_A_HEADER_DEV_NAME, nic->name);
  return sea__netlink_ask(netlink, &question, sizeof get, on_answer, arg);
}

static void
take_from_ethtool(sea_netlink_t *netlink, uint16_t family, sea_nic_t *nic, uint32_t rx_queue)
{
  nic->channels_error = ask_ethtool(netlink, family, ETHTOOL_MSG_CHANNELS_GET, nic, false,
                                    take_channels, nic);
  nic->rings_error = ask_ethtool(netlink, family, ETHTOOL_MSG_RINGS_GET, nic, false, take_rings,
                                 nic);
  nic->ntuple_error = ask_ethtool(netlink, family, ETHTOOL_MSG_FEATURES_GET, nic, false,
                                  take_features, nic);
  rss_t rss = {.nic = nic, .rx_queue = rx_queue};
  nic->rss_error = ask_ethtool(netlink, family, MSG_RSS_GET, nic, true, take_rss, &rss);
  nic->has_rss_contexts = nic->rss_error == 0;
  if (nic->rss_error < 0) { /* before 6.12 there is no list of contexts */
    nic->rss_error = ask_ethtool(netlink, family, MSG_RSS_GET, nic, false, take_rss, &rss);
  }
}

/* -- the netdev family
 * ----------------------------------------------------------------------------- */

static int
take_users(void *arg, const struct nlattr *attributes, size_t len)
{
  static const struct {
    uint16_t attribute;
    uint32_t user;
  } users[] = {
      {NETDEV_A_QUEUE_IO_URING, SEA_QUEUE_IO_URING},
      {NETDEV_A_QUEUE_XSK, SEA_QUEUE_AF_XDP},
      {NETDEV_A_QUEUE_DMABUF, SEA_QUEUE_DMABUF},
      {NETDEV_A_QUEUE_LEASE, SEA_QUEUE_LEASED},
  };
  sea_nic_t *nic = arg;
  for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
    if (sea__attribute_find(attributes, len, users[i].attribute) != NULL) {
      nic->queue_users |= users[i].user;
    }
  }
  return 0;
}

static int
ask_users(sea_netlink_t *netlink, uint16_t family, sea_nic_t *nic, uint32_t rx_queue)
{
  const struct genlmsghdr get = {.cmd = NETDEV_CMD_QUEUE_GET, .version = 1};
  const uint32_t type = NETDEV_QUEUE_TYPE_RX;
  sea_question_t question;
  sea__question_init(&question, family, false, &get, sizeof get);
  sea__question_add(&question, NETDEV_A_QUEUE_ID, &rx_queue, sizeof rx_queue);
  sea__question_add(&question, NETDEV_A_QUEUE_IFINDEX, &nic->index, sizeof nic->index);
  sea__question_add(&question, NETDEV_A_QUEUE_TYPE, &type, sizeof type);
  return sea__netlink_ask(netlink, &question, sizeof get, take_users, nic);
}

/* -- all of it
 * --------------------------------------------------------------------------------------- */

void
sea__nic_ethtool(sea_nic_t *nic, uint32_t rx_queue)
{
  sea_netlink_t netlink;
  uint16_t family;
  take_driver(nic);
  int error = sea__netlink_open(&netlink, NETLINK_GENERIC);
  nic->channels_error = nic->rings_error = nic->ntuple_error = nic->rss_error = error;
  nic->users_error = error;
  if (error == 0) {
    error = sea__netlink_family(&netlink, ETHTOOL_GENL_NAME, &family);
    if (error == 0) {
      take_from_ethtool(&netlink, family, nic, rx_queue);
    } else {
      nic->channels_error = nic->rings_error = nic->ntuple_error = nic->rss_error = error;
    }
    nic->users_error = sea__netlink_family(&netlink, "netdev", &family);
    if (nic->users_error == 0) {
      nic->users_error = ask_users(&netlink, family, nic, rx_queue);
    }
    sea__netlink_close(&netlink);
  }
  if (nic->channels_error < 0) {
    take_queues_by_ioctl(nic);
  }
}
