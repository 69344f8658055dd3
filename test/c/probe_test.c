/* What the probe says about the kernel the tests run on. */
#include <errno.h>
#include <unistd.h>

#include "support.h"

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
  sea_features_t features;
  const char *stage = "unset";
  for (int i = 0; i < 3; i++) {
    assert_int_equal(sea_probe(&features, &stage), 0);
    assert_null(stage);
    assert_int_equal(features.ring, 0);
    assert_int_equal(features.submit_all, 0);
    assert_int_equal(features.coop_taskrun, 0);
    assert_int_equal(features.single_issuer, 0);
    assert_since(features.defer_taskrun, 6, 1);
    assert_int_equal(features.registered_ring, 0);
    assert_int_equal(features.buffer_ring, 0);
    assert_int_equal(features.multishot_accept, 0);
    assert_int_equal(features.multishot_recv, 0);
    assert_int_equal(features.cancel_fd, 0);
    assert_int_equal(features.send_zero_copy, 0);
    assert_since(features.recv_bundles, 6, 10);
    assert_since(features.incremental_buffers, 6, 12);
    assert_true(features.recv_end == 0 || features.recv_end == -EIO);
  }
  assert_int_equal(open_files(), before);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(finds_every_feature_and_leaves_nothing_open),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
