/* A server's ring can do what servers do, and nothing else. */
#include <errno.h>
#include <fcntl.h>

#include "loop.h"
#include "support.h"

static void
on_events(void *arg)
{
  (void)arg;
}

static void
begin(sea_loop_t *loop, sea_options_t options)
{
  options.on_events = on_events;
  assert_int_equal(sea__loop_init(loop, &options), 0);
  assert_int_equal(sea__loop_ring_init(loop), 0);
}

static void
end(sea_loop_t *loop)
{
  sea__loop_ring_deinit(loop);
  sea__loop_deinit(loop);
}

/* What the kernel answers to the entry that was prepared last. */
static int
result_of(sea_loop_t *loop)
{
  struct io_uring_cqe *cqe = NULL;
  struct __kernel_timespec ts = {.tv_sec = deadline_ms() / 1000};
  int error = io_uring_submit_and_wait_timeout(&loop->ring.uring, &cqe, 1, &ts, NULL);
  assert_true(error >= 0);
  int result = cqe->res;
  io_uring_cqe_seen(&loop->ring.uring, cqe);
  return result;
}

static int
try_nop(sea_loop_t *loop)
{
  io_uring_prep_nop(io_uring_get_sqe(&loop->ring.uring));
  return result_of(loop);
}

static int
try_open(sea_loop_t *loop)
{
  io_uring_prep_openat(io_uring_get_sqe(&loop->ring.uring), AT_FDCWD, "/dev/null", O_RDONLY, 0);
  return result_of(loop);
}

static int
try_cancel_elsewhere(sea_loop_t *loop)
{
  struct io_uring_sqe *sqe = io_uring_get_sqe(&loop->ring.uring);
  io_uring_prep_cancel64(sqe, 1, 0);
  sqe->flags |= IOSQE_ASYNC;
  return result_of(loop);
}

static int
try_to_register_files(sea_loop_t *loop)
{
  int fd = 0;
  return io_uring_register_files(&loop->ring.uring, &fd, 1);
}

static void
the_kernel_refuses_what_servers_do_not_need(void **state)
{
  (void)state;
  static sea_loop_t loop;
  begin(&loop, default_options());
  assert_int_equal(loop.restricted, SEA_PATH_ON);
  assert_int_equal(try_nop(&loop), -EACCES);
  assert_int_equal(try_open(&loop), -EACCES);
  assert_int_equal(try_cancel_elsewhere(&loop), -EACCES);
  assert_int_equal(try_to_register_files(&loop), -EACCES);
  end(&loop);
}

static void
sends_without_a_copy_are_refused_unless_they_were_asked_for(void **state)
{
  (void)state;
  static sea_loop_t loop;
  begin(&loop, default_options());
  io_uring_prep_send_zc(io_uring_get_sqe(&loop.ring.uring), -1, "x", 1, 0, 0);
  assert_int_equal(result_of(&loop), -EACCES);
  end(&loop);
  sea_options_t options = default_options();
  options.zero_copy_send = true;
  begin(&loop, options);
  io_uring_prep_send_zc(io_uring_get_sqe(&loop.ring.uring), -1, "x", 1, 0, 0);
  assert_int_equal(result_of(&loop), -EBADF);
  end(&loop);
}

static void
a_ring_can_be_left_free(void **state)
{
  (void)state;
  static sea_loop_t loop;
  sea_options_t options = default_options();
  options.restricted = false;
  begin(&loop, options);
  assert_int_equal(loop.restricted, SEA_PATH_OFF);
  assert_int_equal(try_nop(&loop), 0);
  end(&loop);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_kernel_refuses_what_servers_do_not_need),
      cmocka_unit_test(sends_without_a_copy_are_refused_unless_they_were_asked_for),
      cmocka_unit_test(a_ring_can_be_left_free),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
