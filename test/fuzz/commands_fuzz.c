/* The command ring takes any commands: of any kind, for connections that are there or are not, in
 * any order, while peers write, end and break off. Afterwards nothing is left. */
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "inline.h"

#define CONNS 4U
#define BYTES 4096U

typedef struct world {
  sea_loop_t *loop;
  int peers[CONNS];
  uint32_t released;
  uint32_t held;
} world_t;

static const char bytes_to_send[BYTES];

static void
on_events(void *arg)
{
  (void)arg;
}

static void
on_release(void *arg, void *holder)
{
  world_t *world = arg;
  fuzz_must(holder == world);
  world->released++;
}

static void
open_connections(world_t *world)
{
  for (uint32_t i = 0; i < CONNS; i++) {
    int pair[2];
    fuzz_must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    sea__conn_open(world->loop, pair[0]);
    world->peers[i] = pair[1];
  }
}

static void
begin(world_t *world, fuzz_input_t *input)
{
  sea_options_t options;
  uint8_t kind = fuzz_u8(input);
  sea_options_init(&options);
  options.driver = SEA_DRIVER_INLINE;
  options.queue_depth = 8;
  options.buffer_count = kind & 1 ? 1 : 64;
  options.buffer_size = 64;
  options.event_capacity = 16;
  options.command_capacity = 16;
  options.send_queue_max = kind & 2 ? 1 : 8;
  options.echo = (kind & 4) != 0;
  options.idle_ms = kind & 8 ? 1 : 0;
  options.on_events = on_events;
  options.on_release = on_release;
  options.arg = world;
  world->loop = aligned_alloc(SEA_CACHE_LINE, sizeof *world->loop);
  fuzz_must(sea__loop_init(world->loop, &options) == 0);
  fuzz_must(sea__inline_start(world->loop) == 0);
  world->loop->listener.is_local = true; /* as its connections are */
  open_connections(world);
}

/* Mostly one of those that exist, or have existed. */
static void
name_connection(fuzz_input_t *input, sea_command_t *command)
{
  uint8_t name = fuzz_u8(input);
  command->slot = name < 240 ? name % CONNS : fuzz_u32(input);
  command->generation = name < 224 ? 1 : fuzz_u32(input);
}

static void
give_command(world_t *world, fuzz_input_t *input)
{
  sea_command_t command = {.op = fuzz_u8(input), .last = fuzz_u8(input) & 1};
  name_connection(input, &command);
  command.len = fuzz_u32(input);
  if (command.op < 128) {
    command.op %= SEA_COMMAND_FINISH + 1;
  }
  if (command.op == SEA_COMMAND_SEND) {
    command.data = bytes_to_send;
    command.len %= BYTES + 1;
  }
  if (!sea__commands_room(&world->loop->commands, 1)) {
    return;
  }
  if (command.op == SEA_COMMAND_SEND_PAYLOAD) {
    bool held = command.last;
    command.data = sea__payload_make(&world->loop->payloads, bytes_to_send, command.len % BYTES,
                                     held ? world : NULL);
    fuzz_must(command.data != NULL);
    world->held += held;
  }
  fuzz_must(sea__commands_push(&world->loop->commands, &command) == 0);
}

static void
take_events(world_t *world)
{
  sea_events_t *events = &world->loop->events;
  uint32_t pending = sea__events_pending(events);
  for (uint32_t i = 0; i < pending; i++) {
    const sea_event_t *event = sea__events_at(events, i);
    fuzz_must(event->kind >= SEA_EVENT_OPEN && event->kind <= SEA_EVENT_STOPPED);
    fuzz_must(event->kind != SEA_EVENT_DATA ||
              event->offset + (uint32_t)event->result <= world->loop->buffers.size);
  }
  sea__events_consume(events, pending);
  sea__payloads_collect(&world->loop->payloads);
}

static void
move_peer(world_t *world, fuzz_input_t *input)
{
  static char sink[BYTES];
  uint8_t what = fuzz_u8(input);
  int *peer = &world->peers[what % CONNS];
  if (*peer < 0) {
    return;
  }
  switch (what / CONNS % 4) {
  case 0:
    (void)send(*peer, bytes_to_send, fuzz_u8(input), MSG_DONTWAIT | MSG_NOSIGNAL);
    break;
  case 1:
    (void)recv(*peer, sink, sizeof sink, MSG_DONTWAIT);
    break;
  case 2:
    (void)shutdown(*peer, SHUT_WR);
    break;
  default:
    close(*peer);
    *peer = -1;
  }
}

static void
end(world_t *world)
{
  sea_loop_t *loop = world->loop;
  for (uint32_t i = 0; i < CONNS; i++) {
    if (world->peers[i] >= 0) {
      close(world->peers[i]);
    }
  }
  atomic_fetch_or(&loop->orders, SEA_ORDER_STOP | SEA_ORDER_DISCARD);
  sea__inline_finish(loop);
  fuzz_must(sea__stat_get(&loop->stats.connections_active) == 0);
  fuzz_must(sea__stat_get(&loop->stats.connections_closed) == CONNS);
  sea__loop_deinit(loop);
  free(loop);
  fuzz_must(world->released == world->held);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
  fuzz_input_t input = {.bytes = bytes, .left = len};
  world_t world = {0};
  begin(&world, &input);
  while (input.left > 0) {
    switch (fuzz_u8(&input) % 8) {
    case 0:
      take_events(&world);
      break;
    case 1:
      move_peer(&world, &input);
      break;
    case 2:
    case 3:
      sea__inline_pass(world.loop);
      break;
    default:
      give_command(&world, &input);
    }
  }
  end(&world);
  return 0;
}
