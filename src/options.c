/* The options of a server: defaults and ranges. */
#include "options.h"

#include <string.h>

#include "zerocopy.h"

void
sea_options_init(sea_options_t *options)
{
  *options = (sea_options_t){
      .queue_depth = 256,
      .buffer_count = 1024,
      .buffer_size = 16384,
      .command_capacity = 65536,
      .event_capacity = 65536,
      .zero_copy_min = 32768,
      .send_buffer_count = 64,
      .send_buffer_size = 65536,
      .send_queue_max = 1024,
      .zcrx_area_size = 64U << 20,
      .restricted = true,
  };
}

static bool
in_range(uint32_t value, uint32_t min, uint32_t max)
{
  return value >= min && value <= max;
}

static bool
http_valid(const sea_http_options_t *h)
{
  return in_range(h->header_bytes, 64, 1U << 24) && in_range(h->headers_max, 1, 65535) &&
         in_range(h->url_bytes, 1, 1U << 24) && in_range(h->pipeline_max, 1, 1024);
}

static bool
zcrx_valid(const sea_options_t *o)
{
  uint32_t buffer = o->zcrx_buffer_size;
  bool plain = o->zcrx_rx_queue == 0 && buffer == 0; /* the kernel takes no others of no device */
  return (o->zcrx_interface[0] != '\0') != o->zcrx_no_device && (plain || !o->zcrx_no_device) &&
         memchr(o->zcrx_interface, '\0', sizeof o->zcrx_interface) != NULL &&
         in_range(o->zcrx_area_size, 1U << 20, 1U << 31) &&
         (buffer == 0 || (in_range(buffer, 4096, 1U << 20) && (buffer & (buffer - 1)) == 0));
}

bool
sea__options_valid(const sea_options_t *o)
{
  return in_range(o->queue_depth, 8, 32768) && in_range(o->busy_poll_us, 0, 1000) &&
         in_range(o->buffer_count, 1, 32768) && in_range(o->buffer_size, 64, 1U << 20) &&
         in_range(o->command_capacity, 16, 1U << 24) && in_range(o->zero_copy_min, 1, INT32_MAX) &&
         in_range(o->send_buffer_count, 1, SEA_SEND_BUFFERS_MAX) &&
         in_range(o->send_buffer_size, 4096, 1U << 20) &&
         in_range(o->event_capacity, 16, 1U << 24) && o->send_queue_max > 0 &&
         o->on_events != NULL && (o->http == NULL || http_valid(o->http)) &&
         (!o->zcrx || zcrx_valid(o));
}
