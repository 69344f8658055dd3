/* The host's commands: those that are refused wait here, in order, for room. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

typedef enum host_verb {
  VERB_SEND,
  VERB_PAUSE,
  VERB_RESUME,
  VERB_SHUTDOWN,
  VERB_CLOSE,
  VERB_RESET
} host_verb_t;

struct host_command {
  host_command_t *next;
  host_verb_t verb;
  sea_conn_id_t id;
  const void *data;
  size_t len;
};

static int
give(host_t *host, const host_command_t *command)
{
  switch (command->verb) {
  case VERB_SEND:
    return sea_send(host->server, command->id, command->data, command->len, true);
  case VERB_PAUSE:
    return sea_pause(host->server, command->id);
  case VERB_RESUME:
    return sea_resume(host->server, command->id);
  case VERB_SHUTDOWN:
    return sea_shutdown(host->server, command->id);
  default:
    return sea_close(host->server, command->id, command->verb == VERB_RESET);
  }
}

static void
command(host_t *host, host_command_t what)
{
  if (host->waiting == NULL) {
    int error = give(host, &what);
    if (error == 0) {
      return;
    }
    assert_int_equal(error, -EAGAIN);
  }
  host_command_t *later = malloc(sizeof *later);
  assert_non_null(later);
  *later = what;
  later->next = NULL;
  if (host->waiting == NULL) {
    host->waiting = later;
  } else {
    host->waiting_last->next = later;
  }
  host->waiting_last = later;
}

void
host_retry(host_t *host)
{
  while (host->waiting != NULL && give(host, host->waiting) == 0) {
    host_command_t *given = host->waiting;
    host->waiting = given->next;
    free(given);
  }
}

static host_chunk_t *
add_chunk(host_conn_t *conn, size_t len)
{
  host_chunk_t *chunk = malloc(sizeof *chunk + len);
  assert_non_null(chunk);
  chunk->next = NULL;
  chunk->len = len;
  if (conn->last == NULL) {
    conn->first = chunk;
  } else {
    conn->last->next = chunk;
  }
  conn->last = chunk;
  return chunk;
}

static void
send_chunk(host_t *host, const host_conn_t *conn, const host_chunk_t *chunk)
{
  command(host, (host_command_t){
                    .verb = VERB_SEND, .id = conn->id, .data = chunk->bytes, .len = chunk->len});
}

void
host_send(host_t *host, host_conn_t *conn, const void *bytes, size_t len)
{
  host_chunk_t *chunk = add_chunk(conn, len);
  memcpy(chunk->bytes, bytes, len);
  send_chunk(host, conn, chunk);
}

void
host_send_pattern(host_t *host, host_conn_t *conn, size_t len, uint32_t seed, uint64_t offset)
{
  host_chunk_t *chunk = add_chunk(conn, len);
  pattern_fill(chunk->bytes, len, seed, offset);
  send_chunk(host, conn, chunk);
}

void
host_pause(host_t *host, host_conn_t *conn)
{
  command(host, (host_command_t){.verb = VERB_PAUSE, .id = conn->id});
}

void
host_resume(host_t *host, host_conn_t *conn)
{
  command(host, (host_command_t){.verb = VERB_RESUME, .id = conn->id});
}

void
host_shutdown(host_t *host, host_conn_t *conn)
{
  command(host, (host_command_t){.verb = VERB_SHUTDOWN, .id = conn->id});
}

void
host_close(host_t *host, host_conn_t *conn, bool reset)
{
  command(host, (host_command_t){.verb = reset ? VERB_RESET : VERB_CLOSE, .id = conn->id});
}

void
host_acknowledge(host_conn_t *conn)
{
  assert_non_null(conn->first);
  host_chunk_t *chunk = conn->first;
  conn->first = chunk->next;
  conn->last = conn->first == NULL ? NULL : conn->last;
  free(chunk);
}

void
host_forget(host_t *host)
{
  for (uint32_t i = 0; i < host->opened; i++) {
    while (host->conns[i].first != NULL) {
      host_acknowledge(&host->conns[i]);
    }
  }
  while (host->waiting != NULL) {
    host_command_t *given_up = host->waiting;
    host->waiting = given_up->next;
    free(given_up);
  }
}
