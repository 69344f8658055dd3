/* Zero-copy receive: whether a receive queue of an interface can be had for it. The one way to know
 * is to ask for it, as a server would, and to give it back. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../compat.h"
#include "../probe.h"
#include "host.h"

#define REFILL_ENTRIES 64U
#define AREA_BUFFERS 64U

/* Memory that registration needs: what the card writes to, and the ring that buffers return by. */
typedef struct memory {
  void *area;
  size_t area_size;
  void *refill;
  size_t refill_size;
} memory_t;

static void *
map(size_t size)
{
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

static void
unmap(memory_t *memory)
{
  if (memory->area != NULL) {
    munmap(memory->area, memory->area_size);
  }
  if (memory->refill != NULL) {
    munmap(memory->refill, memory->refill_size);
  }
}

static int
map_both(memory_t *memory, uint32_t buffer_size)
{
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t buffer = buffer_size > page ? buffer_size : page;
  *memory = (memory_t){.area_size = AREA_BUFFERS * buffer, .refill_size = 2 * page};
  memory->area = map(memory->area_size);
  memory->refill = map(memory->refill_size);
  return memory->area == NULL || memory->refill == NULL ? -ENOMEM : 0;
}

static int
register_queue(struct io_uring *ring, const memory_t *memory, uint32_t interface, uint32_t rx_queue,
               uint32_t buffer_size)
{
  sea_uapi_zcrx_area_t area = {.address = (uint64_t)(uintptr_t)memory->area,
                               .length = memory->area_size};
  sea_uapi_region_t region = {.address = (uint64_t)(uintptr_t)memory->refill,
                              .size = memory->refill_size,
                              .flags = SEA_IORING_REGION_USER_MEMORY};
  sea_uapi_zcrx_queue_t queue = {.interface = interface,
                                 .rx_queue = rx_queue,
                                 .refill_entries = REFILL_ENTRIES,
                                 .area = (uint64_t)(uintptr_t)&area,
                                 .region = (uint64_t)(uintptr_t)&region,
                                 .buffer_size = buffer_size};
  long result = syscall(__NR_io_uring_register, ring->ring_fd, SEA_IORING_REGISTER_ZCRX_IFQ, &queue,
                        1);
  return result < 0 ? -errno : 0;
}

static bool
knows_operation(struct io_uring *ring)
{
  struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
  bool known = probe != NULL && io_uring_opcode_supported(probe, SEA_IORING_OP_RECV_ZC);
  io_uring_free_probe(probe);
  return known;
}

int
sea_host_zcrx(uint32_t interface, uint32_t rx_queue, uint32_t buffer_size, const char **stage)
{
  struct io_uring ring;
  memory_t memory;
  *stage = "ring";
  int error = sea__probe_ring(&ring, IORING_SETUP_CQE32 | IORING_SETUP_SINGLE_ISSUER |
                                         IORING_SETUP_DEFER_TASKRUN);
  if (error < 0) {
    return error;
  }
  *stage = "operation";
  error = knows_operation(&ring) ? 0 : -EOPNOTSUPP;
  if (error == 0) {
    *stage = "memory";
    error = map_both(&memory, buffer_size);
    if (error == 0) {
      *stage = "registration";
      error = register_queue(&ring, &memory, interface, rx_queue, buffer_size);
    }
    io_uring_queue_exit(
        &ring); /* releases the queue; the kernel holds the pages as long as it must */
    unmap(&memory);
    return error;
  }
  io_uring_queue_exit(&ring);
  return error;
}
