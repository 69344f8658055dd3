#include "sock.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int
set_int(int fd, int level, int name, int value)
{
  return setsockopt(fd, level, name, &value, sizeof value) < 0 ? -errno : 0;
}

static bool
is_ip(int family)
{
  return family == AF_INET || family == AF_INET6;
}

/* What decides about the address, before bind(2). */
static int
set_address_options(int fd, const sea_listen_t *spec)
{
  int family = spec->address.ss_family;
  int error = is_ip(family) ? set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1) : 0;
  if (error == 0 && family == AF_INET6) {
    error = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, spec->ipv6_only);
  }
  if (error == 0 && is_ip(family) && spec->reuse_port) {
    error = set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  }
  return error;
}

/* Accepted sockets inherit all of these, which saves the calls per connection. */
static int
set_options(int fd, int family, const sea_listen_t *spec)
{
  bool tcp = is_ip(family);
  int error = 0;
  if (spec->recv_buffer_bytes != 0) {
    error = set_int(fd, SOL_SOCKET, SO_RCVBUF, (int)spec->recv_buffer_bytes);
  }
  if (error == 0 && spec->send_buffer_bytes != 0) {
    error = set_int(fd, SOL_SOCKET, SO_SNDBUF, (int)spec->send_buffer_bytes);
  }
  if (error == 0 && tcp && spec->no_delay) {
    error = sea__sock_no_delay(fd, true);
  }
  if (error == 0 && tcp && spec->keep_alive) {
    error = sea__sock_keep_alive(fd, true, spec->keep_alive_s);
  }
  if (error == 0 && tcp && spec->defer_accept_s != 0) {
    error = set_int(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, (int)spec->defer_accept_s);
  }
  return error;
}

static int
add_mode(const sea_listen_t *spec, const char **syscall)
{
  const char *path = ((const struct sockaddr_un *)&spec->address)->sun_path;
  struct stat status;
  *syscall = "chmod";
  return stat(path, &status) < 0 || chmod(path, status.st_mode | spec->mode) < 0 ? -errno : 0;
}

/* A socket that was bound to a path and is of no use has left a file there. */
static void
remove_file(const sea_listen_t *spec)
{
  const struct sockaddr_un *un = (const struct sockaddr_un *)&spec->address;
  if (un->sun_family == AF_UNIX && un->sun_path[0] != '\0') {
    (void)unlink(un->sun_path);
  }
}

static int
bind_and_listen(int fd, const sea_listen_t *spec, const char **syscall)
{
  *syscall = "setsockopt";
  int error = set_address_options(fd, spec);
  if (error == 0) {
    error = set_options(fd, spec->address.ss_family, spec);
  }
  if (error < 0) {
    return error;
  }
  *syscall = "bind";
  if (bind(fd, (const struct sockaddr *)&spec->address, spec->address_len) < 0) {
    return -errno;
  }
  error = spec->mode == 0 ? 0 : add_mode(spec, syscall);
  if (error == 0 && listen(fd, spec->backlog) < 0) {
    *syscall = "listen";
    error = -errno;
  }
  if (error < 0) {
    remove_file(spec);
  }
  return error;
}

bool
sea__sock_is_local_listener(int fd)
{
  int listens = 0;
  socklen_t len = sizeof listens;
  struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
  return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens != 0 &&
         sea__sock_local(fd, &address) == 0 && address.ss_family == AF_UNIX;
}

int
sea__sock_adopt(int fd, const sea_listen_t *spec, const char **syscall)
{
  int type = 0;
  socklen_t len = sizeof type;
  struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
  *syscall = "listen";
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type != SOCK_STREAM ||
      sea__sock_local(fd, &address) < 0) {
    return -EINVAL;
  }
  int error = set_options(fd, address.ss_family, spec);
  if (error == 0 && listen(fd, spec->backlog) < 0) {
    error = -errno;
  }
  return error;
}

int
sea__sock_listen(const sea_listen_t *spec, const char **syscall)
{
  *syscall = "socket";
  int fd = socket(spec->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return -errno;
  }
  int error = bind_and_listen(fd, spec, syscall);
  if (error < 0) {
    close(fd);
    return error;
  }
  return fd;
}

void
sea__sock_unlisten(int fd, const sea_listen_t *spec)
{
  remove_file(spec);
  close(fd);
}

int
sea__sock_local(int fd, struct sockaddr_storage *address)
{
  socklen_t len = sizeof *address;
  return getsockname(fd, (struct sockaddr *)address, &len) < 0 ? -errno : 0;
}

int
sea__sock_peer(int fd, struct sockaddr_storage *address)
{
  socklen_t len = sizeof *address;
  return getpeername(fd, (struct sockaddr *)address, &len) < 0 ? -errno : 0;
}

int
sea__sock_no_delay(int fd, bool on)
{
  return set_int(fd, IPPROTO_TCP, TCP_NODELAY, on);
}

int
sea__sock_keep_alive(int fd, bool on, uint32_t idle_s)
{
  int error = set_int(fd, SOL_SOCKET, SO_KEEPALIVE, on);
  if (error < 0 || !on || idle_s == 0) {
    return error;
  }
  /* The interval and count that libuv sets with a delay, so that a dead peer is found as soon. */
  error = set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)idle_s);
  if (error == 0) {
    error = set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, 1);
  }
  return error < 0 ? error : set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, 10);
}

int
sea__sock_shutdown(int fd)
{
  return shutdown(fd, SHUT_WR) < 0 ? -errno : 0;
}

void
sea__sock_set_reset(int fd)
{
  struct linger linger = {.l_onoff = 1, .l_linger = 0};
  (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

void
sea__sock_abort(int fd)
{
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  (void)connect(fd, &none, sizeof none);
}

uint32_t
sea__sock_unacked(int fd)
{
  int bytes = 0;
  return ioctl(fd, SIOCOUTQ, &bytes) < 0 || bytes < 0 ? 0 : (uint32_t)bytes;
}

ssize_t
sea__sock_send_now(int fd, struct iovec *parts, int n)
{
  struct msghdr header = {.msg_iov = parts, .msg_iovlen = (size_t)n};
  ssize_t sent = sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent < 0 ? -errno : sent;
}
