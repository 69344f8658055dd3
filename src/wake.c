#include "wake.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "stats.h"

int
sea__wake_init(sea_wake_t *wake)
{
  atomic_init(&wake->sleeping, 0);
  atomic_init(&wake->wakeups, 0);
  /* Not EFD_NONBLOCK: with O_NONBLOCK the ring's read would fail with -EAGAIN instead of waiting.
   */
  wake->ring_fd = eventfd(0, EFD_CLOEXEC);
  if (wake->ring_fd < 0) {
    return -errno;
  }
  wake->stall_fd = eventfd(0, EFD_CLOEXEC);
  if (wake->stall_fd < 0) {
    int error = -errno;
    close(wake->ring_fd);
    return error;
  }
  return 0;
}

void
sea__wake_deinit(sea_wake_t *wake)
{
  close(wake->ring_fd);
  close(wake->stall_fd);
}

void
sea__wake_stall(sea_wake_t *wake)
{
  uint64_t count;
  ssize_t n;
  do {
    n = read(wake->stall_fd, &count, sizeof count);
  } while (n < 0 && errno == EINTR);
}

void
sea__wake_rouse(sea_wake_t *wake, uint32_t reasons)
{
  uint64_t one = 1;
  /* Adds nothing; it is a read-modify-write so that it is ordered against the announcement. */
  uint32_t sleeping = atomic_fetch_or_explicit(&wake->sleeping, 0, memory_order_acq_rel);
  if ((sleeping & reasons) == 0) {
    return;
  }
  sleeping = atomic_exchange_explicit(&wake->sleeping, 0, memory_order_acq_rel);
  if (sleeping == 0) {
    return; /* it woke by itself meanwhile, and looks for work before it sleeps again */
  }
  sea__stat_add(&wake->wakeups, 1);
  int fd = sleeping & SEA_SLEEP_STALL ? wake->stall_fd : wake->ring_fd;
  ssize_t n;
  do {
    n = write(fd, &one, sizeof one);
  } while (n < 0 && errno == EINTR);
}
