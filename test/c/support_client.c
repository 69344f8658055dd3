/* Clients with plain blocking sockets. They compare what they read, byte for byte. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support.h"

#define PIECE 65536U

void
client_fail(const char *condition, const char *file, int line)
{
  fprintf(stderr, "%s:%d: a client expected: %s (%s)\n", file, line, condition, strerror(errno));
  abort();
}

int
client_try_connect(uint16_t port)
{
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  client_must(fd >= 0);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
    int error = -errno;
    close(fd);
    return error;
  }
  return fd;
}

int
client_connect(uint16_t port)
{
  int fd = client_try_connect(port);
  client_must(fd >= 0);
  return fd;
}

void
client_write(int fd, const void *bytes, size_t len)
{
  const char *from = bytes;
  while (len > 0) {
    int flags = inline_wait(fd, POLLOUT) ? MSG_NOSIGNAL | MSG_DONTWAIT : MSG_NOSIGNAL;
    ssize_t n = send(fd, from, len, flags);
    client_must(n > 0);
    from += n;
    len -= (size_t)n;
  }
}

void
client_write_pattern(int fd, size_t len, uint32_t seed, uint64_t offset)
{
  char *piece = malloc(PIECE);
  while (len > 0) {
    size_t n = len < PIECE ? len : PIECE;
    pattern_fill(piece, n, seed, offset);
    client_write(fd, piece, n);
    offset += n;
    len -= n;
  }
  free(piece);
}

static ssize_t
receive(int fd, void *bytes, size_t len)
{
  (void)inline_wait(fd, POLLIN);
  return recv(fd, bytes, len, 0);
}

uint64_t
client_read_pattern(int fd, uint32_t seed, uint64_t offset, int *error)
{
  char *piece = malloc(PIECE);
  uint64_t total = 0;
  ssize_t n;
  while ((n = receive(fd, piece, PIECE)) > 0) {
    client_must(pattern_matches(piece, (size_t)n, seed, offset + total));
    total += (uint64_t)n;
  }
  *error = n < 0 ? -errno : 0;
  free(piece);
  return total;
}

void
client_expect_pattern(int fd, size_t len, uint32_t seed, uint64_t offset)
{
  char *piece = malloc(PIECE);
  while (len > 0) {
    ssize_t n = receive(fd, piece, len < PIECE ? len : PIECE);
    client_must(n > 0);
    client_must(pattern_matches(piece, (size_t)n, seed, offset));
    offset += (uint64_t)n;
    len -= (size_t)n;
  }
  free(piece);
}

void
client_expect_end(int fd)
{
  char byte;
  client_must(receive(fd, &byte, 1) == 0);
}

void
client_reset(int fd)
{
  struct linger linger = {.l_onoff = 1};
  client_must(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0);
  close(fd);
}
