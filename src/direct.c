#include "direct.h"

#include <errno.h>
#include <sys/socket.h>

#include "clock.h"

void
sea__direct_given(sea_loop_t *loop, sea_conn_id_t id)
{
  sea_conn_t *conn = sea__slab_reach(&loop->slab, id);
  if (conn != NULL) {
    conn->host_given++;
  }
}

/* Acquire: with the counts comes what the worker did before: the sends, or the seal on a connection
 * whose sends were dropped. */
static bool
is_free(const sea_conn_t *conn)
{
  return atomic_load_explicit(&conn->host_done, memory_order_acquire) == conn->host_given &&
         atomic_load_explicit(&conn->sends_done, memory_order_acquire) == conn->sends_given &&
         !atomic_load_explicit(&conn->sealed, memory_order_relaxed);
}

static bool
is_zero_copy(const sea_options_t *options, size_t len)
{
  return (options->zero_copy_send || options->send_buffers) && len >= options->zero_copy_min;
}

ssize_t
sea__direct_send(sea_loop_t *loop, sea_conn_id_t id, const void *data, size_t len)
{
  sea_conn_t *conn = sea__slab_reach(&loop->slab, id);
  if (conn == NULL || !is_free(conn) || is_zero_copy(&loop->options, len)) {
    return 0;
  }
  int fd = sea__slab_lock_fd(&loop->slab, id);
  if (fd < 0) {
    return 0;
  }
  ssize_t n;
  do {
    n = send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (n < 0 && errno == EINTR);
  sea__slab_unlock(&loop->slab);
  if (n < 0) {
    /* The socket tells an error once: whoever met it has to tell it on. After that it is EPIPE for
     * everybody, and the worker, which met the error, has it on its way. */
    bool later = errno == EPIPE || errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM;
    return later ? 0 : -errno;
  }
  atomic_store_explicit(&conn->direct_ms, sea__clock_ms(), memory_order_relaxed);
  sea__stat_add(&loop->direct_sends, 1);
  sea__stat_add(&loop->direct_bytes, (uint64_t)n);
  return n;
}
