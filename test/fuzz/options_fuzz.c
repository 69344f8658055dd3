/* Options across the binding: whatever JavaScript hands over, the core gets options that it refuses
 * or that are in range, and addresses that lie within their storage. */
#include <errno.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "inline.h"
#include "napi_stub.h"
#include "transport.h"

/* Larger ones are as right, but take their time. */
#define CAPACITY_MAX 4096U

/* There is no event loop for the inline driver: it can never be made. */
sea_napi_inline_t *
sea_napi_inline_create(sea_napi_transport_t *transport)
{
  fuzz_must(transport->core != NULL);
  return NULL;
}

int __real_sea_server_create(const sea_options_t *options, sea_server_t **out);
int __wrap_sea_server_create(const sea_options_t *options, sea_server_t **out);
int __wrap_sea_server_listen(sea_server_t *server, const sea_listen_t *spec, const char **syscall);
int __wrap_sea_server_adopt(sea_server_t *server, int fd, const sea_listen_t *spec,
                            const char **syscall);

/* What is out of range stays so. */
static uint32_t
smaller(uint32_t capacity)
{
  return capacity > CAPACITY_MAX && capacity <= 1U << 24 ? CAPACITY_MAX : capacity;
}

int
__wrap_sea_server_create(const sea_options_t *options, sea_server_t **out)
{
  sea_options_t wanted = *options;
  wanted.command_capacity = smaller(options->command_capacity);
  wanted.event_capacity = smaller(options->event_capacity);
  return __real_sea_server_create(&wanted, out);
}

static void
check_unix(const struct sockaddr_un *un, socklen_t len)
{
  fuzz_must(len > offsetof(struct sockaddr_un, sun_path) && len <= sizeof *un);
  size_t name = len - offsetof(struct sockaddr_un, sun_path);
  fuzz_must(un->sun_path[0] == '\0' || un->sun_path[name - 1] == '\0');
}

/* In the place of a listening socket. */
int
__wrap_sea_server_listen(sea_server_t *server, const sea_listen_t *spec, const char **syscall)
{
  fuzz_must(server != NULL);
  *syscall = "listen";
  switch (spec->address.ss_family) {
  case AF_INET:
    fuzz_must(spec->address_len == sizeof(struct sockaddr_in));
    break;
  case AF_INET6:
    fuzz_must(spec->address_len == sizeof(struct sockaddr_in6));
    break;
  default:
    fuzz_must(spec->address.ss_family == AF_UNIX);
    check_unix((const struct sockaddr_un *)&spec->address, spec->address_len);
  }
  return -EADDRINUSE;
}

int
__wrap_sea_server_adopt(sea_server_t *server, int fd, const sea_listen_t *spec,
                        const char **syscall)
{
  (void)fd;
  fuzz_must(server != NULL && spec != NULL);
  *syscall = "listen";
  return -EINVAL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
  fuzz_input_t input = {.bytes = bytes, .left = len};
  stub_begin(&input);
  napi_value transport = sea_napi_create_transport(NULL, NULL);
  fuzz_must((transport == NULL) == stub_thrown());
  if (transport != NULL) {
    for (int i = 0; i < 4; i++) {
      double result = stub_number(stub_call(i % 2 == 0 ? "listen" : "adopt"));
      fuzz_must(result < 0 && result > -4096);
    }
    (void)stub_call("release");
    stub_end();
  }
  return 0;
}
