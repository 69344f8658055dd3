/* Requests and replies on connections that stay open: what the modes echo, upload, download and
 * http have in common. They differ in the bytes of a request, and in what they make of those that
 * come back. */
#ifndef SEA_LOAD_EXCHANGE_H
#define SEA_LOAD_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"
#include "run.h"

typedef struct {
  void *context;
  uint64_t request_bytes;
  uint64_t reply_bytes; /* about: receive buffers are made for it */
  /* What connection `conn` sends from this position on; all that it may have outstanding is
   * readable there. */
  const uint8_t *(*request_at)(const void *context, uint32_t conn, uint64_t position);
  /* The next bytes that came. Returns how many replies are complete with them, or -1 after saying
   * in *what is wrong with them. */
  int (*on_data)(void *context, uint32_t conn, const uint8_t *bytes, uint32_t length,
                 const char **what);
  /* Whether a reply has begun and is not complete. */
  bool (*is_amid)(const void *context, uint32_t conn);
} sea_exchange_t;

/* Returns 0 or a negative errno when it could not even begin. */
int sea__exchange_run(sea_run_t *run, const sea_load_options_t *options,
                      const sea_exchange_t *exchange);

#endif
