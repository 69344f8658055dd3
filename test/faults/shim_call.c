/* Memory and system calls, as the core sees them. */
#define NO_REDIRECT
#include "redirect.h"

#include <errno.h>
#include <poll.h>

#include "shim.h"
#include "shim_books.h"

/* One of the errors that a call of that kind may have; each list ends with 0. */
static int
fail_with(const int *errors)
{
  uint32_t n = 0;
  while (errors[n] != 0) {
    n++;
  }
  errno = errors[fault_random() % n];
  return -1;
}

/* -- memory ----------------------------------------------------------------------------------- */

static void *
noted(void *memory)
{
  fault_note_memory(memory != NULL ? 1 : 0);
  return memory;
}

void *
fault_malloc(size_t size)
{
  return fault_here(FAULT_MEMORY) ? NULL : noted(malloc(size));
}

void *
fault_calloc(size_t n, size_t size)
{
  return fault_here(FAULT_MEMORY) ? NULL : noted(calloc(n, size));
}

void *
fault_aligned_alloc(size_t alignment, size_t size)
{
  return fault_here(FAULT_MEMORY) ? NULL : noted(aligned_alloc(alignment, size));
}

void *
fault_realloc(void *memory, size_t size)
{
  if (fault_here(FAULT_MEMORY)) {
    return NULL;
  }
  void *grown = realloc(memory, size);
  fault_note_memory(memory == NULL && grown != NULL ? 1 : 0);
  return grown;
}

void
fault_free(void *memory)
{
  fault_note_memory(memory != NULL ? -1 : 0);
  free(memory);
}

void *
fault_mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset)
{
  void *memory = fault_here(FAULT_MEMORY) ? MAP_FAILED
                                          : mmap(address, len, protection, flags, fd, offset);
  fault_note_mapping(memory != MAP_FAILED ? (int64_t)len : 0);
  return memory;
}

int
fault_munmap(void *address, size_t len)
{
  fault_note_mapping(-(int64_t)len);
  return munmap(address, len);
}

/* -- system calls ----------------------------------------------------------------------------- */

int
fault_eventfd(unsigned count, int flags)
{
  static const int errors[] = {EMFILE, ENFILE, ENOMEM, 0};
  return fault_here(FAULT_CALL) ? fail_with(errors) : eventfd(count, flags);
}

int
fault_socket(int family, int type, int protocol)
{
  static const int errors[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES, 0};
  return fault_here(FAULT_CALL) ? fail_with(errors) : socket(family, type, protocol);
}

int
fault_bind(int fd, const struct sockaddr *address, socklen_t len)
{
  static const int errors[] = {EADDRINUSE, EACCES, ENOMEM, 0};
  return fault_here(FAULT_CALL) ? fail_with(errors) : bind(fd, address, len);
}

int
fault_listen(int fd, int backlog)
{
  static const int errors[] = {EADDRINUSE, EOPNOTSUPP, 0};
  return fault_here(FAULT_CALL) ? fail_with(errors) : listen(fd, backlog);
}

int
fault_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
  static const int errors[] = {ENOMEM, ENOPROTOOPT, 0};
  return fault_here(FAULT_CALL) ? fail_with(errors) : setsockopt(fd, level, name, value, len);
}

int
fault_getsockname(int fd, struct sockaddr *address, socklen_t *len)
{
  static const int errors[] = {ENOBUFS, 0};
  return fault_here(FAULT_CALL) ? fail_with(errors) : getsockname(fd, address, len);
}

int
fault_chmod(const char *path, mode_t mode)
{
  static const int errors[] = {EPERM, EIO, 0};
  return fault_here(FAULT_CALL) ? fail_with(errors) : chmod(path, mode);
}

/* The host's own. Whatever its error, the send that follows meets it. */
ssize_t
fault_send(int fd, const void *bytes, size_t len, int flags)
{
  static const int errors[] = {EINTR, EAGAIN, ENOBUFS, ENOMEM, 0};
  if (fault_here(FAULT_SEND)) {
    return fail_with(errors);
  }
  return send(fd, bytes, len > 0 && fault_here(FAULT_SHORT) ? 1 + fault_random() % len : len,
              flags);
}

/* The one attempt that is left to a connection that closes. Nobody repeats it: what it does not
 * send is lost, so it may only fail where connections may die. */
ssize_t
fault_sendmsg(int fd, const struct msghdr *header, int flags)
{
  static const int errors[] = {EAGAIN, EPIPE, ECONNRESET, ENOMEM, 0};
  if (fault_plan()->lethal && fault_here(FAULT_SEND)) {
    return fail_with(errors);
  }
  struct msghdr first = *header;
  if (first.msg_iovlen > 1 && fault_here(FAULT_SHORT)) {
    first.msg_iovlen = 1 + fault_random() % (uint32_t)(first.msg_iovlen - 1);
  }
  return sendmsg(fd, &first, flags);
}

int
fault_shutdown(int fd, int how)
{
  static const int errors[] = {ENOTCONN, 0};
  return fault_plan()->lethal && fault_here(FAULT_CALL) ? fail_with(errors) : shutdown(fd, how);
}

/* The worker sleeps in this one when the event ring is full. */
ssize_t
fault_read(int fd, void *bytes, size_t len)
{
  static const int errors[] = {EINTR, 0};
  struct pollfd look = {.fd = fd, .events = POLLIN};
  if (fault_here(FAULT_WAKE)) {
    return fail_with(errors);
  }
  while (fault_on_worker() && poll(&look, 1, 0) == 0) {
    fault_yield(WORKER_WAITING);
  }
  return read(fd, bytes, len);
}

ssize_t
fault_write(int fd, const void *bytes, size_t len)
{
  static const int errors[] = {EINTR, 0};
  return fault_here(FAULT_WAKE) ? fail_with(errors) : write(fd, bytes, len);
}
