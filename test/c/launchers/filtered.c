/* Runs a command under a seccomp filter.
 *
 *   filtered <file> <command> …
 *
 * The file has the filter as the kernel takes it: an array of struct sock_filter. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define LAUNCH_FAILED 125

static int
load(const char *path, struct sock_fprog *program)
{
  static struct sock_filter rules[BPF_MAXINSNS];
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    return -errno;
  }
  program->len = (unsigned short)fread(rules, sizeof *rules, BPF_MAXINSNS, file);
  program->filter = rules;
  int whole = feof(file) || fgetc(file) == EOF;
  fclose(file);
  return whole && program->len > 0 ? 0 : -EINVAL;
}

static int
apply(const struct sock_fprog *program)
{
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
    return -errno;
  }
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program) < 0 ? -errno : 0;
}

int
main(int argc, char **argv)
{
  struct sock_fprog program;
  if (argc < 3) {
    fprintf(stderr, "usage: filtered <file> <command> …\n");
    return LAUNCH_FAILED;
  }
  int error = load(argv[1], &program);
  if (error == 0) {
    error = apply(&program);
  }
  if (error == 0) {
    execvp(argv[2], argv + 2);
    error = -errno;
  }
  fprintf(stderr, "filtered: %s\n", strerror(-error));
  return LAUNCH_FAILED;
}
