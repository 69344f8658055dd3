#include "options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS_MAX 50000
#define SIZE_MAX_BYTES (4 << 20)
#define PIPELINE_MAX 1024
#define OUTSTANDING_MAX (16u << 20)
#define SECONDS_MAX 600
#define RATE_MAX 1000000
#define MESSAGES_MAX 100000000
#define FD_MAX 1023
#define NS_PER_S 1e9

static const char usage[] =
    "sea_load --port P [--host 127.0.0.1] [--mode MODE]\n"
    "         [--connections 64] [--size 64] [--pipeline 1] [--seconds 3] [--warmup 1]\n"
    "         [--rate R] [--messages N] [--path /] [--latencies-fd N]\n"
    "\n"
    "echo       each connection keeps `pipeline` messages of `size` bytes outstanding\n"
    "upload     the same, each message answered with one byte\n"
    "download   the same, each message asked for with one byte\n"
    "http       the same with GET requests of `path`; --size is the length of the body\n"
    "slow       sends messages as fast as the server takes them, reads one per 10 ms\n"
    "churn      `connections` loops of connect, send, receive, close\n"
    "broadcast  one connection asks for `pipeline` messages of `size` bytes to all of them\n"
    "idle       opens `connections`, exchanges one message each (none with --size 0), holds them\n"
    "\n"
    "With --rate, the first four begin R messages a second over all, at fixed times, with at most\n"
    "`pipeline` outstanding per connection; latency counts from the time a message was due.\n"
    "With --messages the measured phase ends when so many are complete, if not before.\n";

static const char *const mode_names[] = {
    "echo", "churn", "idle", "broadcast", "upload", "download", "slow", "http",
};

const char *
sea__load_mode_name(sea_load_mode_t mode)
{
  return mode_names[mode];
}

static int
refuse(const char *name, const char *value, const char *range)
{
  fprintf(stderr, "sea_load: --%s %s: expected %s\n", name, value, range);
  return -EINVAL;
}

static int
parse_mode(const char *value, sea_load_mode_t *mode)
{
  for (size_t i = 0; i < sizeof(mode_names) / sizeof(mode_names[0]); i++) {
    if (strcmp(value, mode_names[i]) == 0) {
      *mode = (sea_load_mode_t)i;
      return 0;
    }
  }
  return refuse("mode", value, "one of those in the usage");
}

static int
parse_number(const char *name, const char *value, double min, double max, double *out)
{
  char *end = NULL;
  char range[64];
  *out = strtod(value, &end);
  if (end != value && *end == '\0' && *out >= min && *out <= max) return 0;
  snprintf(range, sizeof(range), "a number from %.0f to %.0f", min, max);
  return refuse(name, value, range);
}

static int
parse_one(sea_load_options_t *options, int key, const char *value)
{
  double number = 0;
  int rc = 0;

  switch (key) {
  case 'h':
    if (inet_pton(AF_INET, value, &options->target.sin_addr) == 1) return 0;
    return refuse("host", value, "an IPv4 address");
  case 'm':
    return parse_mode(value, &options->mode);
  case 'p':
    rc = parse_number("port", value, 1, 65535, &number);
    options->target.sin_port = htons((uint16_t)number);
    return rc;
  case 'c':
    rc = parse_number("connections", value, 1, CONNECTIONS_MAX, &number);
    options->connections = (uint32_t)number;
    return rc;
  case 's':
    rc = parse_number("size", value, 0, SIZE_MAX_BYTES, &number);
    options->size = (uint32_t)number;
    options->size_given = true;
    return rc;
  case 'd':
    rc = parse_number("pipeline", value, 1, PIPELINE_MAX, &number);
    options->pipeline = (uint32_t)number;
    return rc;
  case 't':
    rc = parse_number("seconds", value, 0, SECONDS_MAX, &number);
    options->run_ns = (uint64_t)(number * NS_PER_S);
    return rc;
  case 'n':
    rc = parse_number("messages", value, 1, MESSAGES_MAX, &number);
    options->messages = (uint64_t)number;
    return rc;
  case 'l':
    rc = parse_number("latencies-fd", value, 0, FD_MAX, &number);
    options->latencies_fd = (int)number;
    return rc;
  case 'r':
    rc = parse_number("rate", value, 1, RATE_MAX, &number);
    options->rate = (uint32_t)number;
    return rc;
  case 'w':
    rc = parse_number("warmup", value, 0, SECONDS_MAX, &number);
    options->warmup_ns = (uint64_t)(number * NS_PER_S);
    return rc;
  case 'u':
    options->path = value;
    return value[0] == '/' ? 0 : refuse("path", value, "a path that begins with /");
  default:
    fputs(usage, stderr);
    return -EINVAL;
  }
}

static int
check_together(const sea_load_options_t *options)
{
  if (options->target.sin_port == 0) {
    fputs(usage, stderr);
    return -EINVAL;
  }
  const bool may_be_empty = options->mode == SEA_LOAD_IDLE || options->mode == SEA_LOAD_HTTP;
  if (options->size == 0 && !may_be_empty) {
    return refuse("size", "0", "at least 1 byte (0 is for the modes idle and http)");
  }
  if ((uint64_t)options->size * options->pipeline > OUTSTANDING_MAX) {
    fprintf(stderr, "sea_load: size x pipeline must not exceed %u bytes\n", OUTSTANDING_MAX);
    return -EINVAL;
  }
  return 0;
}

int
sea__load_options_parse(sea_load_options_t *options, int argc, char **argv)
{
  static const struct option names[] = {
      {"host", required_argument, NULL, 'h'},
      {"port", required_argument, NULL, 'p'},
      {"mode", required_argument, NULL, 'm'},
      {"connections", required_argument, NULL, 'c'},
      {"size", required_argument, NULL, 's'},
      {"pipeline", required_argument, NULL, 'd'},
      {"seconds", required_argument, NULL, 't'},
      {"warmup", required_argument, NULL, 'w'},
      {"rate", required_argument, NULL, 'r'},
      {"path", required_argument, NULL, 'u'},
      {"messages", required_argument, NULL, 'n'},
      {"latencies-fd", required_argument, NULL, 'l'},
      {NULL, 0, NULL, 0},
  };

  *options = (sea_load_options_t){
      .mode = SEA_LOAD_ECHO,
      .target = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}},
      .connections = 64,
      .size = 64,
      .pipeline = 1,
      .path = "/",
      .latencies_fd = -1,
      .run_ns = (uint64_t)(3 * NS_PER_S),
      .warmup_ns = (uint64_t)(1 * NS_PER_S),
  };
  for (;;) {
    int key = getopt_long(argc, argv, "", names, NULL);
    if (key == -1) break;
    int rc = parse_one(options, key, optarg);
    if (rc < 0) return rc;
  }
  if (optind < argc) return refuse("", argv[optind], "options only");
  return check_together(options);
}
