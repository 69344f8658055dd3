/* In front of every file of the core, for the faulty build: what it calls, the shim answers. All
 * headers come first, so that only calls are renamed. */
#ifndef REDIRECT_H
#define REDIRECT_H

#include <liburing.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* -- shim_call.c -- */

void *fault_malloc(size_t size);
void *fault_calloc(size_t n, size_t size);
void *fault_aligned_alloc(size_t alignment, size_t size);
void *fault_realloc(void *memory, size_t size);
void fault_free(void *memory);
void *fault_mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset);
int fault_munmap(void *address, size_t len);
int fault_eventfd(unsigned count, int flags);
int fault_socket(int family, int type, int protocol);
int fault_bind(int fd, const struct sockaddr *address, socklen_t len);
int fault_listen(int fd, int backlog);
int fault_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int fault_getsockname(int fd, struct sockaddr *address, socklen_t *len);
int fault_chmod(const char *path, mode_t mode);
ssize_t fault_send(int fd, const void *bytes, size_t len, int flags);
ssize_t fault_sendmsg(int fd, const struct msghdr *header, int flags);
int fault_shutdown(int fd, int how);
ssize_t fault_read(int fd, void *bytes, size_t len);
ssize_t fault_write(int fd, const void *bytes, size_t len);

/* -- shim_thread.c -- */

int fault_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int fault_thread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                        void *arg);
int fault_thread_join(pthread_t thread, void **result);
int fault_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int fault_clock_gettime(clockid_t clock, struct timespec *ts);

/* -- shim_ring.c -- */

int fault_queue_init(unsigned entries, struct io_uring *ring, unsigned flags);
int fault_queue_init_params(unsigned entries, struct io_uring *ring,
                            struct io_uring_params *params);
void fault_queue_exit(struct io_uring *ring);
int fault_register_ring_fd(struct io_uring *ring);
int fault_register_eventfd(struct io_uring *ring, int fd);
int fault_register_buffers(struct io_uring *ring, const struct iovec *parts, unsigned n);
int fault_register_buf_ring(struct io_uring *ring, struct io_uring_buf_reg *reg, unsigned flags);
int fault_register_restrictions(struct io_uring *ring, struct io_uring_restriction *list,
                                unsigned n);
int fault_enable_rings(struct io_uring *ring);
void fault_set_data64(struct io_uring_sqe *sqe, uint64_t tag);
int fault_submit(struct io_uring *ring);
int fault_submit_and_get_events(struct io_uring *ring);
int fault_submit_and_wait(struct io_uring *ring, unsigned n);
int fault_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe, unsigned n,
                                  struct __kernel_timespec *ts, sigset_t *mask);
int fault_peek_cqe(struct io_uring *ring, struct io_uring_cqe **cqe);
void fault_cqe_seen(struct io_uring *ring, struct io_uring_cqe *cqe);
unsigned fault_cq_ready(const struct io_uring *ring);

#ifndef NO_REDIRECT
#define malloc(size) fault_malloc(size)
#define calloc(n, size) fault_calloc(n, size)
#define aligned_alloc(alignment, size) fault_aligned_alloc(alignment, size)
#define realloc(memory, size) fault_realloc(memory, size)
#define free(memory) fault_free(memory)
#define mmap(a, b, c, d, e, f) fault_mmap(a, b, c, d, e, f)
#define munmap(a, b) fault_munmap(a, b)
#define eventfd(count, flags) fault_eventfd(count, flags)
#define socket(family, type, protocol) fault_socket(family, type, protocol)
#define bind(fd, address, len) fault_bind(fd, address, len)
#define listen(fd, backlog) fault_listen(fd, backlog)
#define setsockopt(a, b, c, d, e) fault_setsockopt(a, b, c, d, e)
#define getsockname(fd, address, len) fault_getsockname(fd, address, len)
#define chmod(path, mode) fault_chmod(path, mode)
#define send(fd, bytes, len, flags) fault_send(fd, bytes, len, flags)
#define sendmsg(fd, header, flags) fault_sendmsg(fd, header, flags)
#define shutdown(fd, how) fault_shutdown(fd, how)
#define read(fd, bytes, len) fault_read(fd, bytes, len)
#define write(fd, bytes, len) fault_write(fd, bytes, len)
#define pthread_mutex_init(mutex, attributes) fault_mutex_init(mutex, attributes)
#define pthread_create(a, b, c, d) fault_thread_create(a, b, c, d)
#define pthread_join(thread, result) fault_thread_join(thread, result)
#define pthread_cond_wait(condition, mutex) fault_cond_wait(condition, mutex)
#define pthread_setname_np(thread, name) ((void)0) /* it is the test's own thread */
#define clock_gettime(clock, ts) fault_clock_gettime(clock, ts)
#define io_uring_queue_init(entries, ring, flags) fault_queue_init(entries, ring, flags)
#define io_uring_queue_init_params(a, b, c) fault_queue_init_params(a, b, c)
#define io_uring_queue_exit(ring) fault_queue_exit(ring)
#define io_uring_register_ring_fd(ring) fault_register_ring_fd(ring)
#define io_uring_register_eventfd(ring, fd) fault_register_eventfd(ring, fd)
#define io_uring_register_buffers(ring, parts, n) fault_register_buffers(ring, parts, n)
#define io_uring_register_buf_ring(a, b, c) fault_register_buf_ring(a, b, c)
#define io_uring_register_restrictions(a, b, c) fault_register_restrictions(a, b, c)
#define io_uring_enable_rings(ring) fault_enable_rings(ring)
#define io_uring_sqe_set_data64(sqe, tag) fault_set_data64(sqe, tag)
#define io_uring_submit(ring) fault_submit(ring)
#define io_uring_submit_and_get_events(ring) fault_submit_and_get_events(ring)
#define io_uring_submit_and_wait(ring, n) fault_submit_and_wait(ring, n)
#define io_uring_submit_and_wait_timeout(a, b, c, d, e) fault_submit_and_wait_timeout(a, b, c, d, e)
#define io_uring_peek_cqe(ring, cqe) fault_peek_cqe(ring, cqe)
#define io_uring_cqe_seen(ring, cqe) fault_cqe_seen(ring, cqe)
#define io_uring_cq_ready(ring) fault_cq_ready(ring)
#endif

#endif
