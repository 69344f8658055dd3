/* Steady traffic on the worker: no allocation, no lock.
 *
 * Defining malloc and its kin here interposes libc's for the whole executable, the core included.
 * Sanitizers interpose them already, and other C libraries have no other name for them: there the
 * traffic runs all the same and the counts stay 0. */
#include <dlfcn.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support.h"

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define INTERPOSES 1
#else
#define INTERPOSES 0
#endif

#define CONNS 8U
#define WINDOW 32U /* messages in flight on a connection */
#define MESSAGE 64U
#define WARM_UP 20000U
#define MESSAGES 120000U

static _Thread_local bool on_worker;
static atomic_bool counting;
static _Atomic uint64_t allocations;
static _Atomic uint64_t locks;

#if INTERPOSES

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *memory, size_t size);
void __libc_free(void *memory);

static void
note(_Atomic uint64_t *count)
{
  if (on_worker && counting) {
    (*count)++;
  }
}

__attribute__((visibility("default"))) void *
malloc(size_t size)
{
  note(&allocations);
  return __libc_malloc(size);
}

__attribute__((visibility("default"))) void *
calloc(size_t n, size_t size)
{
  note(&allocations);
  return __libc_calloc(n, size);
}

__attribute__((visibility("default"))) void *
realloc(void *memory, size_t size)
{
  note(&allocations);
  return __libc_realloc(memory, size);
}

__attribute__((visibility("default"))) void
free(void *memory)
{
  note(&allocations);
  __libc_free(memory);
}

__attribute__((visibility("default"))) void *
mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset)
{
  note(&allocations);
  return (void *)syscall(SYS_mmap, address, len, protection, flags, fd, offset);
}

__attribute__((visibility("default"))) int
pthread_mutex_lock(pthread_mutex_t *mutex)
{
  static int (*_Atomic real)(pthread_mutex_t *);
  if (real == NULL) {
    real = (int (*)(pthread_mutex_t *))dlsym(RTLD_NEXT, "pthread_mutex_lock");
  }
  note(&locks);
  return real(mutex);
}

static void
the_counters_count(void **state)
{
  (void)state;
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  void *volatile memory;
  on_worker = counting = true;
  memory = malloc(1);
  memory = realloc(memory, 100);
  free(memory);
  memory = calloc(1, 1);
  free(memory);
  memory = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  pthread_mutex_lock(&mutex);
  on_worker = counting = false;
  pthread_mutex_unlock(&mutex);
  munmap(memory, 4096);
  assert_int_equal(allocations, 6);
  assert_int_equal(locks, 1);
  allocations = locks = 0;
}

#endif

static void
ring_bell(void *arg)
{
  const host_t *host = arg;
  on_worker = true;
  client_must(eventfd_write(host->bell, 1) == 0);
}

/* Keeps WINDOW messages going round on every connection until told to end. */
static void *
play(void *arg)
{
  const host_t *host = arg;
  static char bytes[WINDOW * MESSAGE];
  struct pollfd fds[CONNS];
  for (uint32_t i = 0; i < CONNS; i++) {
    fds[i] = (struct pollfd){.fd = client_connect(host->port), .events = POLLIN};
    client_write(fds[i].fd, bytes, sizeof bytes);
  }
  while (!*(atomic_bool *)host->arg) {
    client_must(poll(fds, CONNS, -1) > 0);
    for (uint32_t i = 0; i < CONNS; i++) {
      if (fds[i].revents != 0) {
        ssize_t n = recv(fds[i].fd, bytes, sizeof bytes, 0);
        client_must(n > 0);
        client_write(fds[i].fd, bytes, (size_t)n);
      }
    }
  }
  for (uint32_t i = 0; i < CONNS; i++) {
    shutdown(fds[i].fd, SHUT_WR);
  }
  for (uint32_t i = 0; i < CONNS; i++) {
    while (recv(fds[i].fd, bytes, sizeof bytes, 0) > 0) {
    }
    close(fds[i].fd);
  }
  return NULL;
}

static void
steady_traffic_allocates_nothing_and_takes_no_lock(void **state)
{
  (void)state;
  atomic_bool enough = false;
  pthread_t client;
  sea_options_t options = default_options();
  options.buffer_size = MESSAGE; /* so that each message is an event of its own */
  options.on_events = ring_bell;
  host_t *host = host_start(&options);
  host_echo(host);
  host->arg = &enough;
  assert_int_equal(pthread_create(&client, NULL, play, host), 0);
  host_until(host, host->received >= WARM_UP * MESSAGE);
  counting = true;
  host_until(host, host->received >= (WARM_UP + MESSAGES) * MESSAGE);
  counting = false;
  enough = true;
  host_until(host, host->closed == CONNS);
  pthread_join(client, NULL);
  assert_int_equal(allocations, 0);
  assert_int_equal(locks, 0);
  sea_info_t info = host_info(host);
  assert_int_equal(info.bytes_received, info.bytes_sent);
  host_drain(host);
  host_stop(host);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
#if INTERPOSES
    cmocka_unit_test(the_counters_count),
#endif
    cmocka_unit_test(steady_traffic_allocates_nothing_and_takes_no_lock),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
