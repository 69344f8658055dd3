/* Steady traffic on the worker: no allocation, no lock.
 *
 * Defining malloc and its kin here interposes libc's for the whole executable, the core included.
 * Sanitizers interpose them already, and other C libraries have no other name for them: there the
 * traffic runs all the same and the counts stay 0. */
#include <dlfcn.h>
#include <poll.h>
#include <stdlib.h>
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

static _Thread_local bool bystander; /* every thread of the test itself: the worker is the other */
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
  if (!bystander && counting) {
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
  bystander = false;
  counting = true;
  memory = malloc(1);
  memory = realloc(memory, 100);
  free(memory);
  memory = calloc(1, 1);
  free(memory);
  memory = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  pthread_mutex_lock(&mutex);
  bystander = true;
  counting = false;
  pthread_mutex_unlock(&mutex);
  munmap(memory, 4096);
  assert_int_equal(allocations, 6);
  assert_int_equal(locks, 1);
  allocations = locks = 0;
}

#endif

/* Keeps WINDOW messages going round on every connection until told to end. */
static void *
play(void *arg)
{
  const host_t *host = arg;
  bystander = true;
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

/* Sends back without SENT events, from memory of the core. */
static void
post_back(host_t *host, host_conn_t *conn, const void *bytes, size_t len)
{
  sea_outgoing_t entry = {.id = conn->id, .data = bytes, .len = len};
  assert_int_equal(sea_post(host->server, &entry, 1, false), 0);
}

static void
expect_steady(sea_options_t *options,
              void (*on_data)(host_t *, host_conn_t *, const void *, size_t))
{
  atomic_bool enough = false;
  pthread_t client;
  options->buffer_size = MESSAGE; /* so that each message is an event of its own */
  bystander = true;
  host_t *host = host_start(options);
  host_echo(host);
  host->on_data = on_data;
  host->arg = &enough;
  assert_int_equal(pthread_create(&client, NULL, play, host), 0);
  host_until(host, host_info(host).bytes_received >= WARM_UP * MESSAGE);
  counting = true;
  host_until(host, host_info(host).bytes_received >= (WARM_UP + MESSAGES) * MESSAGE);
  counting = false;
  enough = true;
  host_until(host, host_info(host).connections_closed == CONNS);
  join(client);
  assert_int_equal(allocations, 0);
  assert_int_equal(locks, 0);
  sea_info_t info = host_info(host);
  assert_int_equal(info.bytes_received, info.bytes_sent);
  if (options->echo) {
    host_stop_quiet(host);
  } else {
    host_drain(host);
    host_stop(host);
  }
}

static void
steady_traffic_allocates_nothing_and_takes_no_lock(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  expect_steady(&options, host_send);
}

static void
nor_do_posted_sends(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  expect_steady(&options, post_back);
}

static void
nor_does_the_echo_of_the_worker(void **state)
{
  (void)state;
  sea_options_t options = default_options();
  options.echo = true;
  expect_steady(&options, NULL);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
#if INTERPOSES
    cmocka_unit_test(the_counters_count),
#endif
    cmocka_unit_test(steady_traffic_allocates_nothing_and_takes_no_lock),
    cmocka_unit_test(nor_do_posted_sends),
    cmocka_unit_test(nor_does_the_echo_of_the_worker),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
