/* The command line of sea_load. */
#ifndef SEA_LOAD_OPTIONS_H
#define SEA_LOAD_OPTIONS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum {
  SEA_LOAD_ECHO,
  SEA_LOAD_CHURN,
  SEA_LOAD_IDLE,
  SEA_LOAD_BROADCAST,
  SEA_LOAD_UPLOAD,
  SEA_LOAD_DOWNLOAD,
  SEA_LOAD_SLOW,
  SEA_LOAD_HTTP,
} sea_load_mode_t;

typedef struct {
  sea_load_mode_t mode;
  struct sockaddr_in target;
  uint32_t connections;
  uint32_t size; /* bytes of one message; 0 only in idle and http mode */
  bool size_given;
  uint32_t pipeline; /* messages outstanding per connection, or (broadcast) asked for */
  uint32_t rate;     /* messages per second over all; 0 = as fast as they come back */
  uint64_t messages; /* the measured phase ends with this many; 0 = with its time */
  const char *path;  /* in http mode */
  int latencies_fd;  /* where the latencies go, or -1 */
  uint64_t run_ns;
  uint64_t warmup_ns;
} sea_load_options_t;

const char *sea__load_mode_name(sea_load_mode_t mode);

/* Fills options from the arguments. Returns 0, or -EINVAL after saying on stderr what is wrong. */
int sea__load_options_parse(sea_load_options_t *options, int argc, char **argv);

#endif
