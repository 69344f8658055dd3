/* Servers that the test's own thread runs: whatever that thread waits for, it runs them meanwhile.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#define INLINE_HOSTS 8

static _Thread_local host_t *hosts[INLINE_HOSTS];

bool
inline_driver(void)
{
  const char *driver = getenv("SEARINGS_DRIVER");
  return driver != NULL && strcmp(driver, "inline") == 0;
}

static void
replace(const host_t *old, host_t *new)
{
  for (int i = 0; i < INLINE_HOSTS; i++) {
    if (hosts[i] == old) {
      hosts[i] = new;
      return;
    }
  }
  fail_msg("more than %d inline servers", INLINE_HOSTS);
}

void
inline_add(host_t *host)
{
  replace(NULL, host);
}

void
inline_remove(const host_t *host)
{
  replace(host, NULL);
}

bool
inline_run(sea_server_t *server)
{
  if (sea_inline_wait_ms(server) != 0 && sea_inline_sleep(server)) {
    return false;
  }
  sea_inline_pass(server);
  return true;
}

/* Runs each for a moment; their events stay where they are. False when there is none. */
static bool
run_all(void)
{
  bool any = false;
  for (int i = 0; i < INLINE_HOSTS; i++) {
    if (hosts[i] != NULL && hosts[i]->server != NULL) {
      inline_run(hosts[i]->server);
      sea_inline_wake(hosts[i]->server);
      any = true;
    }
  }
  return any;
}

void
inline_nap(void)
{
  (void)run_all();
}

bool
inline_wait(int fd, short events)
{
  struct pollfd wanted = {.fd = fd, .events = events};
  bool any;
  while ((any = run_all()) && poll(&wanted, 1, 1) == 0) {
  }
  return any;
}

void
join(pthread_t thread)
{
  while (run_all()) {
    if (pthread_tryjoin_np(thread, NULL) == 0) {
      return;
    }
    nap();
  }
  pthread_join(thread, NULL);
}
