/* The command line of sea_load. */
#ifndef SEA_LOAD_OPTIONS_H
#define SEA_LOAD_OPTIONS_H

#include <netinet/in.h>
#include <stdint.h>

typedef enum {
  SEA_LOAD_ECHO,
  SEA_LOAD_CHURN,
  SEA_LOAD_IDLE,
  SEA_LOAD_BROADCAST,
} sea_load_mode_t;

typedef struct {
  sea_load_mode_t mode;
  struct sockaddr_in target;
  uint32_t connections;
  uint32_t size; /* bytes of one message; 0 only in idle mode */
  uint32_t
      pipeline;  /* messages outstanding per connection (echo), messages asked for (broadcast) */
  uint32_t rate; /* messages per second, in echo mode; 0 = as fast as they come back */
  uint64_t run_ns;
  uint64_t warmup_ns;
} sea_load_options_t;

const char *sea__load_mode_name(sea_load_mode_t mode);

/* Fills options from the arguments. Returns 0, or -EINVAL after saying on stderr what is wrong. */
int sea__load_options_parse(sea_load_options_t *options, int argc, char **argv);

#endif
