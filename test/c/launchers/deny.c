/* Runs a command to which the kernel answers a system call with an error, as a container's seccomp
 * profile does.
 *
 *   deny <system call>[:<first argument>] <errno> <command> … */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define LAUNCH_FAILED 125

/* With `argument` only the calls that have it. */
static int
deny(uint32_t call, const char *argument, uint32_t error)
{
  uint32_t wanted = argument == NULL ? 0 : (uint32_t)strtoul(argument, NULL, 10);
  struct sock_filter rules[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, wanted, 0, argument == NULL ? 0 : 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {.len = sizeof rules / sizeof *rules, .filter = rules};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
    return -errno;
  }
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ? -errno : 0;
}

int
main(int argc, char **argv)
{
  if (argc < 4) {
    fprintf(stderr, "usage: deny <system call>[:<first argument>] <errno> <command> …\n");
    return LAUNCH_FAILED;
  }
  char *end;
  uint32_t call = (uint32_t)strtoul(argv[1], &end, 10);
  const char *argument = *end == ':' ? end + 1 : NULL;
  int error = deny(call, argument, (uint32_t)strtoul(argv[2], NULL, 10));
  if (error == 0) {
    execvp(argv[3], argv + 3);
    error = -errno;
  }
  fprintf(stderr, "deny: %s\n", strerror(-error));
  return LAUNCH_FAILED;
}
