/* A process of musl in the place of a Node.js for musl: loads an addon, for which the test has
 * stand-ins of all that Node exports, and then serves an echo by the same core. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sea.h"

static int
load(const char *file)
{
  void *addon = dlopen(file, RTLD_NOW);
  if (addon == NULL) {
    return printf("%s\n", dlerror()), 1;
  }
  int32_t (*version)(void) = (int32_t(*)(void))dlsym(addon, "node_api_module_get_api_version_v1");
  void *init = dlsym(addon, "napi_register_module_v1");
  printf("loaded, Node-API %d\n", version == NULL || init == NULL ? 0 : (int)version());
  return 0;
}

static void
ignore(void *arg)
{
  (void)arg;
}

static int
talk(const struct sockaddr_storage *address)
{
  char answer[6] = "";
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, (const struct sockaddr *)address, sizeof(struct sockaddr_in)) == 0 &&
      send(fd, "hello", 5, 0) == 5) {
    recv(fd, answer, 5, MSG_WAITALL);
  }
  close(fd);
  return printf("echo: %s\n", answer), strcmp(answer, "hello");
}

static int
serve(void)
{
  sea_options_t options;
  sea_options_init(&options);
  options.echo = true;
  options.on_events = ignore;
  sea_server_t *server;
  sea_listen_t spec = {.address_len = sizeof(struct sockaddr_in), .backlog = 8};
  struct sockaddr_in *address = (struct sockaddr_in *)&spec.address;
  address->sin_family = AF_INET;
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const char *syscall = "";
  int error = sea_server_create(&options, &server);
  error = error == 0 ? sea_server_listen(server, &spec, &syscall) : error;
  error = error == 0 ? sea_server_start(server) : error;
  error = error == 0 ? sea_server_address(server, &spec.address) : error;
  if (error != 0) {
    return printf("%s: %s\n", syscall, strerror(-error)), 0;
  }
  int result = talk(&spec.address);
  sea_server_destroy(server);
  return result;
}

int
main(int argc, char **argv)
{
  return argc == 2 && load(argv[1]) == 0 ? serve() : 1;
}
