/* Echo: what was sent comes back. Every connection sends its own stretch of the payload. */
#include <errno.h>
#include <stdlib.h>

#include "exchange.h"
#include "modes.h"
#include "payload.h"

#define STRIDE 257u

typedef struct {
  sea_payload_t payload;
  uint32_t size;
  uint64_t *received; /* bytes, by connection */
} echo_t;

static const uint8_t *
request_at(const void *context, uint32_t conn, uint64_t position)
{
  const echo_t *echo = context;
  return sea__payload_at(&echo->payload, (uint64_t)conn * STRIDE + position);
}

static int
on_data(void *context, uint32_t conn, const uint8_t *bytes, uint32_t length, const char **what)
{
  const echo_t *echo = context;
  const uint64_t from = echo->received[conn];
  if (!sea__payload_matches(&echo->payload, (uint64_t)conn * STRIDE + from, bytes, length)) {
    *what = "the echo differs from what was sent";
    return -1;
  }
  echo->received[conn] = from + length;
  return (int)((from + length) / echo->size - from / echo->size);
}

static bool
is_amid(const void *context, uint32_t conn)
{
  const echo_t *echo = context;
  return echo->received[conn] % echo->size != 0;
}

int
sea__load_echo(sea_run_t *run, const sea_load_options_t *options)
{
  echo_t echo = {.size = options->size};
  const sea_exchange_t exchange = {
      .context = &echo,
      .request_bytes = options->size,
      .reply_bytes = options->size,
      .request_at = request_at,
      .on_data = on_data,
      .is_amid = is_amid,
  };

  echo.received = calloc(options->connections, sizeof(*echo.received));
  int rc = echo.received ? 0 : -ENOMEM;
  if (rc == 0) rc = sea__payload_init(&echo.payload, (size_t)options->size * options->pipeline);
  if (rc == 0) rc = sea__exchange_run(run, options, &exchange);
  sea__payload_deinit(&echo.payload);
  free(echo.received);
  return rc;
}
