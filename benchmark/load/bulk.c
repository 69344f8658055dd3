/* Bulk transfers. Upload: a message of `size` bytes is answered with one byte when all of it has
 * come. Download: one byte asks for a message of `size` bytes. Byte i of a message is i modulo 251,
 * in both directions, so the edges of what comes tell whether it is the right stretch. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exchange.h"
#include "modes.h"

#define PERIOD 251u
#define EDGE 16u

typedef struct {
  uint8_t *pattern;
  uint64_t request_bytes;
  uint64_t reply_bytes;
  uint64_t *received; /* bytes, by connection */
} bulk_t;

static const uint8_t *
request_at(const void *context, uint32_t conn, uint64_t position)
{
  const bulk_t *bulk = context;
  (void)conn;
  return bulk->pattern + position % bulk->request_bytes;
}

/* A stretch that does not go beyond the end of its message. */
static bool
matches(const bulk_t *bulk, uint64_t position, const uint8_t *bytes, uint64_t length)
{
  const uint8_t *wanted = bulk->pattern + position % bulk->reply_bytes;
  const uint64_t edge = length < EDGE ? length : EDGE;
  return memcmp(bytes, wanted, edge) == 0 &&
         memcmp(bytes + length - edge, wanted + length - edge, edge) == 0;
}

static int
on_data(void *context, uint32_t conn, const uint8_t *bytes, uint32_t length, const char **what)
{
  bulk_t *bulk = context;
  int replies = 0;
  for (uint32_t at = 0; at < length;) {
    const uint64_t left = bulk->reply_bytes - bulk->received[conn] % bulk->reply_bytes;
    const uint64_t step = length - at < left ? length - at : left;
    if (!matches(bulk, bulk->received[conn], bytes + at, step)) {
      *what = "a reply with wrong bytes";
      return -1;
    }
    bulk->received[conn] += step;
    at += (uint32_t)step;
    if (step == left) replies++;
  }
  return replies;
}

static bool
is_amid(const void *context, uint32_t conn)
{
  const bulk_t *bulk = context;
  return bulk->received[conn] % bulk->reply_bytes != 0;
}

/* `pipeline` requests lie behind each other, and one more for those that begin in the middle. */
static int
make_pattern(bulk_t *bulk, uint32_t pipeline)
{
  const uint64_t requests = bulk->request_bytes * (pipeline + 1u);
  const uint64_t length = requests > bulk->reply_bytes ? requests : bulk->reply_bytes;
  bulk->pattern = malloc(length);
  if (!bulk->pattern) return -ENOMEM;
  for (uint64_t i = 0; i < length; i++) {
    const uint64_t in_message = bulk->request_bytes > 1 ? i % bulk->request_bytes : i;
    bulk->pattern[i] = (uint8_t)(in_message % PERIOD);
  }
  return 0;
}

static int
transfer(sea_run_t *run, const sea_load_options_t *options, uint32_t request, uint32_t reply)
{
  bulk_t bulk = {.request_bytes = request, .reply_bytes = reply};
  const sea_exchange_t exchange = {
      .context = &bulk,
      .request_bytes = request,
      .reply_bytes = reply,
      .request_at = request_at,
      .on_data = on_data,
      .is_amid = is_amid,
  };

  bulk.received = calloc(options->connections, sizeof(*bulk.received));
  int rc = bulk.received ? make_pattern(&bulk, options->pipeline) : -ENOMEM;
  if (rc == 0) rc = sea__exchange_run(run, options, &exchange);
  free(bulk.pattern);
  free(bulk.received);
  return rc;
}

int
sea__load_upload(sea_run_t *run, const sea_load_options_t *options)
{
  return transfer(run, options, options->size, 1);
}

int
sea__load_download(sea_run_t *run, const sea_load_options_t *options)
{
  return transfer(run, options, 1, options->size);
}
