/* Runs a command in a network namespace of its own, whose loopback interface has an XDP program
 * attached, or an AF_XDP socket bound to its queue 0. Both end with the command. Takes root.
 *
 *   with_xdp program|socket <command> … */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LAUNCH_FAILED 125
#define CHUNK 4096
#define CHUNKS 64
#define RING_ENTRIES 64

static int
enter_namespace(void)
{
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  if (unshare(CLONE_NEWNET) < 0) {
    return -errno;
  }
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int error = fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
  close(fd);
  return error;
}

/* A program that lets every packet pass. The link lives as long as its descriptor, which the
 * command inherits. */
static int
attach_program(void)
{
  const struct bpf_insn program[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
      {.code = BPF_JMP | BPF_EXIT},
  };
  union bpf_attr load = {.prog_type = BPF_PROG_TYPE_XDP,
                         .insn_cnt = sizeof program / sizeof *program,
                         .insns = (uint64_t)(uintptr_t)program,
                         .license = (uint64_t)(uintptr_t) "GPL",
                         .prog_name = "let_pass"};
  long fd = syscall(__NR_bpf, BPF_PROG_LOAD, &load, sizeof load);
  if (fd < 0) {
    return -errno;
  }
  union bpf_attr link = {.link_create = {.prog_fd = (uint32_t)fd,
                                         .target_ifindex = if_nametoindex("lo"),
                                         .attach_type = BPF_XDP,
                                         .flags = XDP_FLAGS_SKB_MODE}};
  long link_fd = syscall(__NR_bpf, BPF_LINK_CREATE, &link, sizeof link);
  if (link_fd < 0 || dup((int)link_fd) < 0) { /* the copy is not closed by exec */
    return -errno;
  }
  return 0;
}

static int
bind_socket(void)
{
  static const int entries = RING_ENTRIES;
  void *memory = mmap(NULL, CHUNK * CHUNKS, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                      0);
  struct xdp_umem_reg area = {
      .addr = (uint64_t)(uintptr_t)memory, .len = CHUNK * CHUNKS, .chunk_size = CHUNK};
  struct sockaddr_xdp address = {.sxdp_family = AF_XDP,
                                 .sxdp_flags = XDP_COPY,
                                 .sxdp_ifindex = if_nametoindex("lo"),
                                 .sxdp_queue_id = 0};
  int fd = socket(AF_XDP, SOCK_RAW, 0);
  if (fd < 0 || memory == MAP_FAILED ||
      setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &area, sizeof area) < 0 ||
      setsockopt(fd, SOL_XDP, XDP_UMEM_FILL_RING, &entries, sizeof entries) < 0 ||
      setsockopt(fd, SOL_XDP, XDP_UMEM_COMPLETION_RING, &entries, sizeof entries) < 0 ||
      setsockopt(fd, SOL_XDP, XDP_RX_RING, &entries, sizeof entries) < 0 ||
      bind(fd, (struct sockaddr *)&address, sizeof address) < 0) {
    return -errno;
  }
  return 0;
}

int
main(int argc, char **argv)
{
  if (argc < 3) {
    fprintf(stderr, "usage: with_xdp program|socket <command> …\n");
    return LAUNCH_FAILED;
  }
  int error = enter_namespace();
  if (error == 0) {
    error = strcmp(argv[1], "program") == 0 ? attach_program() : bind_socket();
  }
  if (error == 0) {
    execvp(argv[2], argv + 2);
    error = -errno;
  }
  fprintf(stderr, "with_xdp: %s\n", strerror(-error));
  return LAUNCH_FAILED;
}
