/* What the probe says about the kernel the tests run on, and with too few descriptors. */
#include <errno.h>
#include <sys/resource.h>
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

static int
probe_with_files(rlim_t files, sea_features_t *features)
{
  struct rlimit before;
  const char *stage;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  struct rlimit few = {.rlim_cur = files, .rlim_max = before.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
  int error = sea_probe(features, &stage);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  return error;
}

static void
does_not_take_a_low_limit_of_files_for_an_old_kernel(void **state)
{
  (void)state;
  int before = open_files();
  int free_one = dup(0); /* descriptors below it are taken */
  close(free_one);
  sea_features_t features;
  for (int room = 0; room < 8; room++) {
    int error = probe_with_files((rlim_t)(free_one + room), &features);
    assert_true(error == -EMFILE || (error == 0 && room > 2));
    int found[] = {features.ring,           features.buffer_ring,  features.multishot_accept,
                   features.multishot_recv, features.cancel_fd,    features.send_zero_copy,
                   features.submit_all,     features.coop_taskrun, features.single_issuer};
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
      assert_true(found[i] == 0 || found[i] == -EMFILE);
    }
  }
  assert_int_equal(probe_with_files((rlim_t)free_one + 8, &features), 0);
  assert_int_equal(open_files(), before);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(finds_every_feature_and_leaves_nothing_open),
      cmocka_unit_test(does_not_take_a_low_limit_of_files_for_an_old_kernel),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
