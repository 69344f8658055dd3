/* A peer on a Unix socket writes and ends at once, while the server looks elsewhere: both are seen.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "support.h"

#define ROUNDS 200U

static struct sockaddr_un
listen_at_path(host_t *host)
{
  const char *syscall;
  sea_listen_t spec = {.address_len = sizeof(struct sockaddr_un), .backlog = 8, .mode = 0666};
  struct sockaddr_un un = {.sun_family = AF_UNIX};
  snprintf(un.sun_path, sizeof un.sun_path, "/tmp/searings-local-%d.sock", getpid());
  memcpy(&spec.address, &un, sizeof un);
  assert_int_equal(sea_server_listen(host->server, &spec, &syscall), 0);
  assert_int_equal(sea_server_start(host->server), 0);
  return un;
}

static void
close_it(host_t *host, host_conn_t *conn)
{
  host_close(host, conn, false);
}

static void
an_end_right_behind_the_bytes_is_seen(void **state)
{
  (void)state;
  static char bytes[4000];
  sea_options_t small = tiny_options();
  small.buffer_count = 64;
  small.event_capacity = 128;
  sea_options_t all[] = {default_options(), tiny_options(), small, small, small};
  all[3].recv_bundles = true;
  all[4].incremental_buffers = true;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    host_t *host = host_create(&all[i]);
    host->on_end = close_it;
    struct sockaddr_un un = listen_at_path(host);
    for (uint32_t round = 1; round <= ROUNDS; round++) {
      int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof un), 0);
      client_write(fd, bytes, 3000 + round % 1000);
      assert_int_equal(shutdown(fd, SHUT_WR), 0);
      host_until(host, host->closed == round);
      close(fd);
    }
    host_drain(host);
    host_stop(host);
  }
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_end_right_behind_the_bytes_is_seen),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
