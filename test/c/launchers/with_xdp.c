/* Runs a command in a network namespace of its own, whose loopback interface has an XDP program
 * attached, held by a link or by the interface alone, or an AF_XDP socket bound to its queue 0. All of
 * that ends with the command. Takes root.
 *
 *   with_xdp link|program|socket <command> … */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <linux/rtnetlink.h>
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

/* A program that lets every packet pass. */
static int
load_program(void)
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
  return fd < 0 ? -errno : (int)fd;
}

/* The link lives as long as its descriptor, which the command inherits. */
static int
attach_by_link(int fd)
{
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

/* As `ip link set dev lo xdpgeneric` does. */
static int
attach_by_interface(int program)
{
  struct {
    struct nlmsghdr header;
    struct ifinfomsg interface;
    struct nlattr xdp;
    struct nlattr fd_head;
    int32_t fd;
    struct nlattr flags_head;
    uint32_t flags;
  } request = {
      .header = {.nlmsg_len = sizeof request,
                 .nlmsg_type = RTM_SETLINK,
                 .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
      .interface = {.ifi_index = (int)if_nametoindex("lo")},
      .xdp = {.nla_len = sizeof request - sizeof request.header - sizeof request.interface,
              .nla_type = IFLA_XDP | NLA_F_NESTED},
      .fd_head = {.nla_len = 8, .nla_type = IFLA_XDP_FD},
      .fd = program,
      .flags_head = {.nla_len = 8, .nla_type = IFLA_XDP_FLAGS},
      .flags = XDP_FLAGS_SKB_MODE,
  };
  struct {
    struct nlmsghdr header;
    struct nlmsgerr error;
  } answer = {.error.error = -EIO};
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0 || send(fd, &request, sizeof request, 0) < 0 ||
      recv(fd, &answer, sizeof answer, 0) < 0) {
    return -errno;
  }
  close(fd);
  return answer.error.error;
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

static int
prepare(const char *what)
{
  int error = enter_namespace();
  if (error < 0 || strcmp(what, "socket") == 0) {
    return error < 0 ? error : bind_socket();
  }
  int program = load_program();
  if (program < 0) {
    return program;
  }
  return strcmp(what, "link") == 0 ? attach_by_link(program) : attach_by_interface(program);
}

int
main(int argc, char **argv)
{
  if (argc < 3) {
    fprintf(stderr, "usage: with_xdp link|program|socket <command> …\n");
    return LAUNCH_FAILED;
  }
  int error = prepare(argv[1]);
  if (error == 0) {
    execvp(argv[2], argv + 2);
    error = -errno;
  }
  fprintf(stderr, "with_xdp: %s\n", strerror(-error));
  return LAUNCH_FAILED;
}
