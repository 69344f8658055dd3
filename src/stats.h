/* Counters of one server. Each has a single writer, the thread that runs the loop; any thread may
 * read them, at any time, and sees a value that was true a moment ago. */
#ifndef SEA_STATS_H
#define SEA_STATS_H

#include <stdatomic.h>
#include <stdint.h>

typedef struct sea_stats {
  _Atomic uint64_t connections_active;
  _Atomic uint64_t connections_accepted;
  _Atomic uint64_t connections_closed;
  _Atomic uint64_t connections_rejected;
  _Atomic uint64_t slots_in_use;
  _Atomic uint64_t buffers_in_use;
  _Atomic uint64_t data_reclaimed; /* DATA events the host is done with */
  _Atomic uint64_t idle_timeouts;
  _Atomic uint64_t accept_backoffs;
  _Atomic uint64_t bytes_received;
  _Atomic uint64_t bytes_sent;
  _Atomic uint64_t event_stalls;
  _Atomic uint64_t buffer_starvations;
  _Atomic uint64_t multishot_rearms;
  _Atomic uint64_t cq_overflows;
  _Atomic uint64_t enters;
  _Atomic uint64_t doorbells;
  _Atomic uint64_t passes;
  _Atomic uint64_t bundle_completions;
  _Atomic uint64_t bundle_buffers;
  _Atomic uint64_t bundle_bytes;
  _Atomic uint64_t zero_copy_requests;
  _Atomic uint64_t zero_copy_notifications;
  _Atomic uint64_t zero_copy_copied;
  _Atomic uint64_t zero_copy_errors;
  _Atomic uint64_t send_buffer_requests;
  _Atomic uint64_t send_buffer_misses;
  _Atomic uint64_t zcrx_packets;
  _Atomic uint64_t zcrx_bytes;
  _Atomic uint64_t zcrx_refills;
  _Atomic uint64_t zcrx_copies;
  _Atomic uint64_t zcrx_exhaustions;
  _Atomic uint64_t http_requests;
  _Atomic uint64_t http_fixed;
  _Atomic uint64_t http_refused;
  _Atomic uint64_t http_timeouts;
} sea_stats_t;

/* Not a read-modify-write: there is one writer, so a plain add between two relaxed accesses does.
 */
static inline void
sea__stat_add(_Atomic uint64_t *counter, uint64_t n)
{
  uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);
  atomic_store_explicit(counter, now + n, memory_order_relaxed);
}

static inline void
sea__stat_sub(_Atomic uint64_t *counter, uint64_t n)
{
  uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);
  atomic_store_explicit(counter, now - n, memory_order_relaxed);
}

static inline void
sea__stat_set(_Atomic uint64_t *counter, uint64_t value)
{
  atomic_store_explicit(counter, value, memory_order_relaxed);
}

static inline uint64_t
sea__stat_get(const _Atomic uint64_t *counter)
{
  return atomic_load_explicit(counter, memory_order_relaxed);
}

#endif
