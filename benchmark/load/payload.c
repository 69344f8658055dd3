#include "payload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A prime: no message size divides it, so messages differ from each other. */
#define PERIOD 16381u
#define EDGE 16u

int
sea__payload_init(sea_payload_t *payload, size_t stretch_max)
{
  size_t length = PERIOD + stretch_max;
  payload->bytes = malloc(length);
  if (!payload->bytes) return -ENOMEM;

  uint64_t random = UINT64_C(0x9e3779b97f4a7c15);
  for (size_t i = 0; i < length; i++) {
    if (i >= PERIOD) {
      payload->bytes[i] = payload->bytes[i - PERIOD];
      continue;
    }
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    payload->bytes[i] = (uint8_t)(random >> 32);
  }
  return 0;
}

void
sea__payload_deinit(sea_payload_t *payload)
{
  free(payload->bytes);
  payload->bytes = NULL;
}

const uint8_t *
sea__payload_at(const sea_payload_t *payload, uint64_t position)
{
  return payload->bytes + position % PERIOD;
}

bool
sea__payload_matches(const sea_payload_t *payload, uint64_t position, const uint8_t *bytes,
                     size_t length)
{
  size_t edge = length < EDGE ? length : EDGE;
  uint64_t tail = position + length - edge;
  return memcmp(bytes, sea__payload_at(payload, position), edge) == 0 &&
         memcmp(bytes + length - edge, sea__payload_at(payload, tail), edge) == 0;
}
