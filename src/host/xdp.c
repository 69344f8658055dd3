/* The names of XDP programs, and what holds them. The kernel says by itself that there is a program
 * (nic.c); what it is called is known to libxdp and libbpf. Neither is needed: what is installed is
 * loaded, asked and let go. */
#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host.h"

static const char *const bpf_names[] = {"libbpf.so.1", "libbpf.so.0"};
static const char *const xdp_names[] = {"libxdp.so.1"};

/* The same in both: what prints, until it is told otherwise. The level is an enum. */
typedef int (*print_fn)(int level, const char *format, va_list args);
typedef print_fn (*set_print_fn)(print_fn print);

/* Functions come out of dlsym() as data pointers; ISO C has no cast for that. */
#define resolve(library, name, function)             \
  do {                                               \
    void *symbol_ = dlsym(library, name);            \
    memcpy(&(function), &symbol_, sizeof(function)); \
  } while (0)

static void *
load(const char *const *names, size_t count, char *found)
{
  void *library = NULL;
  for (size_t i = 0; i < count && library == NULL; i++) {
    library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (library != NULL) {
      snprintf(found, SEA_NIC_TEXT_MAX, "%s", names[i]);
    }
  }
  return library;
}

static int
print_nothing(int level, const char *format, va_list args)
{
  (void)level;
  (void)format;
  (void)args;
  return 0;
}

/* Both complain on stderr of what is not an error here. Returns what was set before. */
static print_fn
hush(void *library, const char *setter, print_fn print)
{
  set_print_fn set_print;
  resolve(library, setter, set_print);
  return set_print == NULL ? NULL : set_print(print);
}

static void
add_name(sea_xdp_t *xdp, const char *name)
{
  if (name != NULL && xdp->count < SEA_XDP_PROGRAMS_MAX) {
    snprintf(xdp->programs[xdp->count++], SEA_NIC_TEXT_MAX, "%s", name);
  }
}

/* libxdp: the programs behind its dispatcher, or the one that is there without. */
static void
ask_libxdp(void *library, const sea_nic_t *nic, sea_xdp_t *xdp)
{
  void *(*get)(int interface);
  long (*get_error)(const void *pointer);
  void *(*next)(const void *program, const void *programs);
  void *(*only)(const void *programs);
  const char *(*name)(const void *program);
  void (*release)(void *programs);
  resolve(library, "xdp_multiprog__get_from_ifindex", get);
  resolve(library, "libxdp_get_error", get_error);
  resolve(library, "xdp_multiprog__next_prog", next);
  resolve(library, "xdp_multiprog__main_prog", only);
  resolve(library, "xdp_program__name", name);
  resolve(library, "xdp_multiprog__close", release);
  if (get == NULL || get_error == NULL || next == NULL || only == NULL || name == NULL ||
      release == NULL) {
    return;
  }
  void *programs = get((int)nic->index);
  if (programs == NULL || get_error(programs) != 0) {
    return;
  }
  for (void *program = next(NULL, programs); program != NULL; program = next(program, programs)) {
    add_name(xdp, name(program));
  }
  if (xdp->count == 0 && only(programs) != NULL) {
    add_name(xdp, name(only(programs)));
  }
  release(programs);
}

static void
ask_libbpf(void *library, const sea_nic_t *nic, sea_xdp_t *xdp)
{
  int (*open_program)(uint32_t id);
  int (*get_info)(int fd, void *info, uint32_t *len);
  resolve(library, "bpf_prog_get_fd_by_id", open_program);
  resolve(library, "bpf_obj_get_info_by_fd", get_info);
  if (open_program == NULL || get_info == NULL) {
    return;
  }
  int fd = open_program(nic->xdp_program);
  if (fd < 0) {
    return;
  }
  struct bpf_prog_info info;
  uint32_t len = sizeof info;
  memset(&info, 0, sizeof info);
  if (get_info(fd, &info, &len) == 0) {
    info.name[sizeof info.name - 1] = '\0';
    add_name(xdp, info.name);
  }
  close(fd);
}

/* The next id after *id, or -ENOENT. The kernel wants all of a union to be zero, which an
 * initializer of one member need not do. */
static int
next_link(uint32_t *id)
{
  union bpf_attr next;
  memset(&next, 0, sizeof next);
  next.start_id = *id;
  if (syscall(__NR_bpf, BPF_LINK_GET_NEXT_ID, &next, sizeof next) < 0) {
    return -errno;
  }
  *id = next.next_id;
  return 0;
}

/* Numbers of interfaces repeat in other network namespaces, so the program is compared as well. */
static bool
link_holds(uint32_t id, const sea_nic_t *nic)
{
  union bpf_attr open;
  memset(&open, 0, sizeof open);
  open.link_id = id;
  long fd = syscall(__NR_bpf, BPF_LINK_GET_FD_BY_ID, &open, sizeof open);
  if (fd < 0) {
    return false; /* gone meanwhile */
  }
  struct bpf_link_info info;
  union bpf_attr get;
  memset(&info, 0, sizeof info);
  memset(&get, 0, sizeof get);
  get.info.bpf_fd = (uint32_t)fd;
  get.info.info_len = sizeof info;
  get.info.info = (uint64_t)(uintptr_t)&info;
  long result = syscall(__NR_bpf, BPF_OBJ_GET_INFO_BY_FD, &get, sizeof get);
  close((int)fd);
  return result == 0 && info.type == BPF_LINK_TYPE_XDP && info.prog_id == nic->xdp_program &&
         info.xdp.ifindex == nic->index;
}

static int
find_link(const sea_nic_t *nic, uint32_t *link)
{
  uint32_t id = 0;
  int error = nic->xdp_program == 0 ? -EOPNOTSUPP : next_link(&id);
  while (error == 0) {
    if (link_holds(id, nic)) {
      *link = id;
      return 0;
    }
    error = next_link(&id);
  }
  return error == -ENOENT ? 0 : error;
}

void
sea_host_xdp(const sea_nic_t *nic, sea_xdp_t *xdp)
{
  memset(xdp, 0, sizeof *xdp);
  void *bpf = load(bpf_names, sizeof bpf_names / sizeof *bpf_names, xdp->bpf_library);
  void *lib = load(xdp_names, sizeof xdp_names / sizeof *xdp_names, xdp->xdp_library);
  bool attached = nic != NULL && nic->xdp_attached != 0;
  xdp->link_error = attached ? find_link(nic, &xdp->link) : 0;
  print_fn bpf_print = bpf == NULL ? NULL : hush(bpf, "libbpf_set_print", print_nothing);
  print_fn lib_print = lib == NULL ? NULL : hush(lib, "libxdp_set_print", print_nothing);
  if (lib != NULL && attached) {
    ask_libxdp(lib, nic, xdp);
  }
  if (bpf != NULL && attached && xdp->count == 0 && nic->xdp_program != 0) {
    ask_libbpf(bpf, nic, xdp);
  }
  if (lib != NULL) {
    hush(lib, "libxdp_set_print", lib_print);
    dlclose(lib);
  }
  if (bpf != NULL) {
    hush(bpf, "libbpf_set_print", bpf_print);
    dlclose(bpf);
  }
}
