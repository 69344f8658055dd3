/* The command ring: host -> worker, single producer, single consumer, bounded, lock-free.
 * A full ring refuses; the worker then says so with a COMMAND_SPACE event once there is room. */
#ifndef SEA_COMMANDS_H
#define SEA_COMMANDS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base.h"

typedef enum sea_command_op {
  SEA_COMMAND_SEND = 1,
  SEA_COMMAND_PAUSE,
  SEA_COMMAND_RESUME,
  SEA_COMMAND_SHUTDOWN,
  SEA_COMMAND_CLOSE,
  SEA_COMMAND_RESET,
  SEA_COMMAND_STOP_ACCEPTING,
  SEA_COMMAND_SEND_PAYLOAD, /* data is a sea_payload_t */
  SEA_COMMAND_ASK_DRAIN,    /* a DRAIN event when the connection's queue has room */
  SEA_COMMAND_FINISH,       /* see sea_post() */
  SEA_COMMAND_RESPOND,      /* data is a sea_payload_t, len the request and SEA_HTTP_LAST, _CLOSE */
} sea_command_op_t;

typedef struct sea_command {
  uint8_t op; /* sea_command_op_t */
  bool last;  /* SEND: wants a SENT event */
  uint32_t slot;
  uint32_t generation;
  const void *data; /* SEND: the host's memory, see sea_send(); SEND_PAYLOAD: the payload */
  size_t len;
} sea_command_t;

typedef struct sea_commands {
  sea_command_t *ring;
  uint32_t mask;

  _Alignas(SEA_CACHE_LINE) _Atomic uint32_t tail; /* written by the host */
  uint32_t head_seen;                             /* host's last look at head */
  _Atomic uint64_t refusals;                      /* written by the host */

  _Alignas(SEA_CACHE_LINE) _Atomic uint32_t head; /* written by the worker */

  _Alignas(SEA_CACHE_LINE) _Atomic bool starved; /* the host was refused and waits for room */
} sea_commands_t;

int sea__commands_init(sea_commands_t *commands, uint32_t capacity);
void sea__commands_deinit(sea_commands_t *commands);

/* -- host -- */

/* Whether n more commands fit. When not, the host is noted as waiting for room. */
bool sea__commands_room(sea_commands_t *commands, uint32_t n);
/* 0 or -EAGAIN. */
int sea__commands_push(sea_commands_t *commands, const sea_command_t *command);

/* -- worker -- */

/* Copies the oldest command out; false when there is none. */
bool sea__commands_take(sea_commands_t *commands, sea_command_t *command);
bool sea__commands_pending(const sea_commands_t *commands);
/* True once after the host was refused and there is room for it again. */
bool sea__commands_relieved(sea_commands_t *commands);

#endif
