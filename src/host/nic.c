/* Network interfaces as rtnetlink lists them; what else there is to know of each: ethtool.c. */
#include "nic.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct listing {
  sea_nic_t *nics;
  uint32_t max;
  uint32_t count;
} listing_t;

static void
take_text(const struct nlattr *attribute, char *text, size_t size)
{
  if (attribute != NULL) {
    sea__attribute_text(attribute, text, size);
  }
}

static void
take_xdp(sea_nic_t *nic, const struct nlattr *xdp)
{
  const struct nlattr *attached = sea__attribute_find_in(xdp, IFLA_XDP_ATTACHED);
  const struct nlattr *program = sea__attribute_find_in(xdp, IFLA_XDP_PROG_ID);
  nic->xdp_attached = attached == NULL ? 0 : (uint8_t)sea__attribute_number(attached);
  nic->xdp_program = program == NULL ? 0 : (uint32_t)sea__attribute_number(program);
}

/* Kernels before 5.14 do not tell of a device among the link's attributes. */
static void
look_for_device(sea_nic_t *nic)
{
  char path[64];
  char target[256];
  (void)snprintf(path, sizeof path, "/sys/class/net/%s/device", nic->name);
  ssize_t len = readlink(path, target, sizeof target - 1);
  if (len <= 0) {
    return;
  }
  target[len] = '\0';
  const char *slash = strrchr(target, '/');
  (void)snprintf(nic->parent, sizeof nic->parent, "%.*s", (int)sizeof nic->parent - 1,
                 slash == NULL ? target : slash + 1);
}

static int
take_link(void *arg, const struct nlattr *attributes, size_t len)
{
  listing_t *listing = arg;
  const struct ifinfomsg *info = (const void *)((const char *)attributes -
                                                sea__netlink_align(sizeof(struct ifinfomsg)));
  if (listing->count++ >= listing->max) {
    return 0;
  }
  sea_nic_t *nic = &listing->nics[listing->count - 1];
  memset(nic, 0, sizeof *nic);
  nic->index = (uint32_t)info->ifi_index;
  nic->flags = info->ifi_flags;
  take_text(sea__attribute_find(attributes, len, IFLA_IFNAME), nic->name, sizeof nic->name);
  take_text(sea__attribute_find(attributes, len, IFLA_PARENT_DEV_NAME), nic->parent,
            sizeof nic->parent);
  const struct nlattr *kind = sea__attribute_find_in(
      sea__attribute_find(attributes, len, IFLA_LINKINFO), IFLA_INFO_KIND);
  take_text(kind, nic->kind, sizeof nic->kind);
  if (nic->parent[0] == '\0' && nic->kind[0] == '\0') {
    look_for_device(nic);
  }
  const struct nlattr *state = sea__attribute_find(attributes, len, IFLA_OPERSTATE);
  nic->operstate = state == NULL ? 0 : (uint8_t)sea__attribute_number(state);
  take_xdp(nic, sea__attribute_find(attributes, len, IFLA_XDP));
  return 0;
}

/* All links, or the one of that name. */
static int
list(listing_t *listing, const char *name)
{
  const struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
  sea_netlink_t netlink;
  sea_question_t question;
  int error = sea__netlink_open(&netlink, NETLINK_ROUTE);
  if (error < 0) {
    return error;
  }
  sea__question_init(&question, RTM_GETLINK, name == NULL, &info, sizeof info);
  if (name != NULL) {
    sea__question_add(&question, IFLA_IFNAME, name, strlen(name) + 1);
  }
  error = sea__netlink_ask(&netlink, &question, sizeof info, take_link, listing);
  sea__netlink_close(&netlink);
  return error;
}

int
sea_host_nics(sea_nic_t *nics, uint32_t max, uint32_t rx_queue)
{
  listing_t listing = {.nics = nics, .max = max};
  int error = list(&listing, NULL);
  if (error < 0) {
    return error;
  }
  for (uint32_t i = 0; i < listing.count && i < max; i++) {
    sea__nic_ethtool(&nics[i], rx_queue);
  }
  return (int)listing.count;
}

int
sea_host_nic(const char *name, uint32_t rx_queue, sea_nic_t *nic)
{
  listing_t listing = {.nics = nic, .max = 1};
  if (strlen(name) >= sizeof nic->name) {
    return -ENODEV;
  }
  int error = list(&listing, name);
  if (error == 0 && listing.count == 0) {
    error = -ENODEV;
  }
  if (error == 0) {
    sea__nic_ethtool(nic, rx_queue);
  }
  return error;
}
