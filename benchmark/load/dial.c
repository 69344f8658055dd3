#include "dial.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define TIMEOUT_S 10
#define LOOPBACK_NET 127u
#define SOURCES 250u

static int
fail(int fd)
{
  int error = errno;
  close(fd);
  return -error;
}

int
sea__dial(const sea_load_options_t *options)
{
  const struct timeval limit = {.tv_sec = TIMEOUT_S};
  const int on = 1;
  const struct sockaddr *target = (const struct sockaddr *)&options->target;

  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  /* SO_SNDTIMEO bounds connect() too. */
  if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
      setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
      connect(fd, target, sizeof(options->target)) < 0) {
    return fail(fd);
  }
  return fd;
}

int
sea__dial_socket(const sea_load_options_t *options, uint64_t turn)
{
  const int on = 1;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;

  if (ntohl(options->target.sin_addr.s_addr) >> 24 != LOOPBACK_NET) return fd;
  /* 127.0.0.2 and up. The port is left to connect(), which looks at the whole 4-tuple. */
  const uint32_t host = (LOOPBACK_NET << 24) + 2u + (uint32_t)(turn % SOURCES);
  const struct sockaddr_in source = {
      .sin_family = AF_INET,
      .sin_addr = {htonl(host)},
  };
  if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) < 0 ||
      bind(fd, (const struct sockaddr *)&source, sizeof(source)) < 0) {
    return fail(fd);
  }
  return fd;
}

int
sea__dial_allow_files(uint32_t files)
{
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
  if (limit.rlim_cur >= files) return 0;
  if (limit.rlim_max < files) return -EMFILE;
  limit.rlim_cur = files;
  return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? -errno : 0;
}
