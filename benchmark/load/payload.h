/* What is sent, and how the echo is checked.
 *
 * Every connection sends the same endless periodic byte stream, starting at its own offset. A
 * byte's value therefore follows from its position: a chunk that comes back is checked by its
 * length and by its first and last bytes, which finds every lost, doubled, reordered or foreign
 * chunk without reading the whole payload. Any stretch up to the length given to init lies
 * contiguous in memory, so a send needs no copy. */
#ifndef SEA_LOAD_PAYLOAD_H
#define SEA_LOAD_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  uint8_t *bytes;
} sea_payload_t;

/* Returns 0 or -ENOMEM. */
int sea__payload_init(sea_payload_t *payload, size_t stretch_max);
void sea__payload_deinit(sea_payload_t *payload);

/* The stream from this position on; at least stretch_max bytes are readable. */
const uint8_t *sea__payload_at(const sea_payload_t *payload, uint64_t position);

/* Whether these bytes are what stands in the stream at this position (edges only). */
bool sea__payload_matches(const sea_payload_t *payload, uint64_t position, const uint8_t *bytes,
                          size_t length);

#endif
