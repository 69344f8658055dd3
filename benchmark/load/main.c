/* sea_load: the load generator of the benchmarks. One thread, one io_uring, one result line.
 *
 * stdout: one JSON line with the result. stderr: a JSON line per phase reached (open, measure,
 * measured) for whoever watches the server meanwhile, and what went wrong in words.
 * With --latencies-fd the latencies go there, as 32-bit numbers of 10 ns, in native byte order.
 * Exit code: 0, or 1 when there was any error or mismatch, 2 for bad options, 3 for a time-out. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "modes.h"

#define EXIT_USAGE 2
#define EXIT_TIMEOUT 3
/* For opening the connections and for the drain at the end. */
#define GRACE_S 40

static void
on_alarm(int signal)
{
  static const char message[] = "sea_load: time limit reached\n";
  (void)signal;
  if (write(STDERR_FILENO, message, sizeof(message) - 1) < 0) _exit(EXIT_TIMEOUT);
  _exit(EXIT_TIMEOUT);
}

/* Whatever hangs, this process ends. */
static void
limit_time(const sea_load_options_t *options)
{
  const struct sigaction action = {.sa_handler = on_alarm};
  const uint64_t seconds = (options->run_ns + options->warmup_ns) / UINT64_C(1000000000);
  sigaction(SIGALRM, &action, NULL);
  alarm((unsigned)seconds + GRACE_S);
}

int
main(int argc, char **argv)
{
  static int (*const modes[])(sea_run_t *, const sea_load_options_t *) = {
      [SEA_LOAD_ECHO] = sea__load_echo,     [SEA_LOAD_CHURN] = sea__load_churn,
      [SEA_LOAD_IDLE] = sea__load_idle,     [SEA_LOAD_BROADCAST] = sea__load_broadcast,
      [SEA_LOAD_UPLOAD] = sea__load_upload, [SEA_LOAD_DOWNLOAD] = sea__load_download,
      [SEA_LOAD_SLOW] = sea__load_slow,     [SEA_LOAD_HTTP] = sea__load_http,
  };
  sea_load_options_t options;
  sea_run_t run;

  if (sea__load_options_parse(&options, argc, argv) < 0) return EXIT_USAGE;
  limit_time(&options);

  int rc = sea__run_init(&run, &options);
  if (rc == 0) rc = modes[options.mode](&run, &options);
  if (rc < 0) {
    fprintf(stderr, "sea_load: %s\n", strerror(-rc));
    return EXIT_FAILURE;
  }
  sea__run_report(&run);
  return run.errors == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
