/* Every plain socket system call. All return 0 or -errno unless said otherwise. */
#ifndef SEA_SOCK_H
#define SEA_SOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "sea.h"

/* The listening fd, or -errno with *syscall naming the call that failed. */
int sea__sock_listen(const sea_listen_t *spec, const char **syscall);
/* Undoes it. */
void sea__sock_unlisten(int fd, const sea_listen_t *spec);
/* Makes fd, a stream socket made by others, listen. */
int sea__sock_adopt(int fd, const sea_listen_t *spec, const char **syscall);
/* Whether it is a Unix socket on which somebody listens. */
bool sea__sock_is_local_listener(int fd);
int sea__sock_local(int fd, struct sockaddr_storage *address);
int sea__sock_peer(int fd, struct sockaddr_storage *address);
int sea__sock_no_delay(int fd, bool on);
/* idle_s 0 leaves the system's delay. */
int sea__sock_keep_alive(int fd, bool on, uint32_t idle_s);
/* Sends FIN after what the kernel still holds. */
int sea__sock_shutdown(int fd);
/* Makes close(2) send RST. */
void sea__sock_set_reset(int fd);
/* RST at once; the socket stays. */
void sea__sock_abort(int fd);
/* Bytes sent that the peer has not acknowledged. */
uint32_t sea__sock_unacked(int fd);
/* One attempt, without waiting. Bytes sent or -errno. */
ssize_t sea__sock_send_now(int fd, struct iovec *parts, int n);

#endif
