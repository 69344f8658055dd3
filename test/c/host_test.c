/* What the host reports say of the machine the tests run on, and that asking leaves nothing behind.
 */
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "host/host.h"
#include "host/nic.h"
#include "support.h"

#define MANY 256

static int
open_files(void)
{
  int count = 0;
  for (int fd = 0; fd < 1024; fd++) {
    int copy = dup(fd);
    count += copy >= 0;
    close(copy);
  }
  return count;
}

static void
finds_every_feature_and_leaves_nothing_open(void **state)
{
  (void)state;
  int before = open_files();
  sea_host_features_t features;
  for (int i = 0; i < 3; i++) {
    memset(&features, 1, sizeof features);
    sea_host_probe(&features);
    assert_since(features.send_bundles, 6, 10);
    assert_since(features.send_message_zc, 6, 1);
    assert_since(features.registered_send, 6, 0);
    assert_since(features.napi, 6, 9);
    assert_since(features.sqpoll, 5, 11);
    assert_since(features.msg_ring, 5, 18);
    assert_since(features.futex_wait, 6, 7);
    assert_since(features.cqe32, 5, 19);
    if (features.recv_zc != -EPERM) { /* it takes CAP_NET_ADMIN, which the tests need not have */
      assert_since(features.recv_zc, 6, 15);
    }
  }
  assert_int_equal(open_files(), before);
}

static void
tells_what_an_interface_is(void **state)
{
  (void)state;
  int before = open_files();
  sea_nic_t nic;
  assert_int_equal(sea_host_nic("lo", 0, &nic), 0);
  assert_string_equal(nic.name, "lo");
  assert_int_equal(nic.index, if_nametoindex("lo"));
  assert_true(nic.flags & IFF_LOOPBACK);
  assert_string_equal(nic.parent, "");
  assert_int_equal(nic.xdp_attached, 0);
  assert_int_equal(nic.channels_error, -EOPNOTSUPP);
  assert_int_equal(nic.rings_error, -EOPNOTSUPP);
  assert_int_equal(nic.ntuple_error, 0);
  assert_false(nic.ntuple_possible);
  assert_int_equal(open_files(), before);
}

static void
knows_no_interface_of_another_name(void **state)
{
  (void)state;
  sea_nic_t nic;
  assert_int_equal(sea_host_nic("nothing0", 0, &nic), -ENODEV);
  assert_int_equal(sea_host_nic("", 0, &nic), -ENODEV);
  assert_int_equal(sea_host_nic("a-name-that-is-too-long-for-one", 0, &nic), -ENODEV);
}

static void
lists_every_interface(void **state)
{
  (void)state;
  static sea_nic_t nics[MANY];
  struct if_nameindex *names = if_nameindex();
  int count = sea_host_nics(nics, MANY, 0);
  assert_non_null(names);
  int expected = 0;
  for (; names[expected].if_index != 0; expected++) {
    assert_int_equal(nics[expected].index, names[expected].if_index);
    assert_string_equal(nics[expected].name, names[expected].if_name);
  }
  assert_int_equal(count, expected);
  if_freenameindex(names);
}

static void
writes_no_more_than_there_is_room_for(void **state)
{
  (void)state;
  sea_nic_t nics[2];
  memset(nics, 0x5a, sizeof nics);
  sea_nic_t untouched = nics[1];
  assert_true(sea_host_nics(nics, 1, 0) >= 1);
  assert_memory_equal(&nics[1], &untouched, sizeof untouched);
}

/* Loopback has no hardware: that is as far as the kernel looks at a registration here. */
static void
refuses_zero_copy_receive_without_hardware(void **state)
{
  (void)state;
  int before = open_files();
  const char *stage = NULL;
  int error = sea_host_zcrx(if_nametoindex("lo"), 0, 0, &stage);
  if (kernel_is(6, 15)) {
    assert_true(error == -EOPNOTSUPP || error == -EPERM);
    assert_string_equal(stage, "registration");
  } else {
    assert_true(error < 0);
    assert_true(strcmp(stage, "operation") == 0 || strcmp(stage, "ring") == 0);
  }
  assert_int_equal(open_files(), before);
}

static void
assert_channels(const sea_channels_t *channels, uint32_t queues_max, sea_channel_kind_t kind)
{
  sea_nic_t nic = {.index = 1};
  sea__nic_channels(&nic, channels);
  assert_int_equal(nic.rx_queues, channels->rx + channels->combined);
  assert_int_equal(nic.rx_queues_max, queues_max);
  assert_int_equal(nic.channel_kind, kind);
  const uint32_t in_use[] = {0, channels->combined, channels->rx};
  assert_int_equal(nic.channels, in_use[kind]);
}

static void
counts_queues_by_the_kind_of_channels_that_a_card_has(void **state)
{
  (void)state;
  sea_channels_t combined = {.combined = 8, .combined_max = 16};
  assert_channels(&combined, 16, SEA_CHANNEL_COMBINED);
  sea_channels_t separate = {.rx = 4, .rx_max = 16};
  assert_channels(&separate, 16, SEA_CHANNEL_RX);
  sea_channels_t either = {.combined = 8, .rx_max = 16, .combined_max = 16};
  assert_channels(&either, 16, SEA_CHANNEL_COMBINED);
  sea_channels_t separated = {.rx = 4, .rx_max = 16, .combined_max = 8};
  assert_channels(&separated, 16, SEA_CHANNEL_RX);
  sea_channels_t mixed = {.rx = 2, .combined = 8, .rx_max = 16, .combined_max = 16};
  assert_channels(&mixed, 16, SEA_CHANNEL_COMBINED);
  sea_channels_t stopped = {.combined_max = 8};
  assert_channels(&stopped, 8, SEA_CHANNEL_COMBINED);
  sea_channels_t silent = {.rx = 3};
  assert_channels(&silent, 3, SEA_CHANNEL_NONE);
}

/* Whether libraries are installed or not, asking them changes nothing. */
static void
names_no_programs_where_none_are_attached(void **state)
{
  (void)state;
  sea_nic_t nic;
  sea_xdp_t xdp;
  int before = open_files();
  assert_int_equal(sea_host_nic("lo", 0, &nic), 0);
  sea_host_xdp(&nic, &xdp);
  assert_int_equal(xdp.count, 0);
  sea_host_xdp(NULL, &xdp);
  assert_int_equal(xdp.count, 0);
  assert_int_equal(open_files(), before);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(finds_every_feature_and_leaves_nothing_open),
      cmocka_unit_test(tells_what_an_interface_is),
      cmocka_unit_test(knows_no_interface_of_another_name),
      cmocka_unit_test(lists_every_interface),
      cmocka_unit_test(writes_no_more_than_there_is_room_for),
      cmocka_unit_test(refuses_zero_copy_receive_without_hardware),
      cmocka_unit_test(counts_queues_by_the_kind_of_channels_that_a_card_has),
      cmocka_unit_test(names_no_programs_where_none_are_attached),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
