/* Small helpers every file of the core may use. Nothing here knows sockets, rings or threads. */
#ifndef SEA_BASE_H
#define SEA_BASE_H

#include <stddef.h>
#include <stdint.h>

#define SEA_CACHE_LINE 64

/* The struct that contains `member` at `ptr`. */
#define sea_container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define sea_likely(x) __builtin_expect(!!(x), 1)
#define sea_unlikely(x) __builtin_expect(!!(x), 0)

/* In a loop that waits for another thread: lets the core's other half, if it has one, work. */
static inline void
sea_cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static inline uint32_t
sea__min_u32(uint32_t a, uint32_t b)
{
  return a < b ? a : b;
}

/* The smallest power of two that is not below n; n between 1 and 2^31. */
static inline uint32_t
sea__pow2_ceil(uint32_t n)
{
  return n <= 1 ? 1 : 1U << (32 - __builtin_clz(n - 1));
}

#endif
