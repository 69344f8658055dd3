/* Client sockets. All are blocking: io_uring waits on them itself and would hand back EAGAIN
 * otherwise. Every function returns a descriptor or 0, or a negative errno. */
#ifndef SEA_LOAD_DIAL_H
#define SEA_LOAD_DIAL_H

#include <stdint.h>

#include "options.h"

/* Connects, with a time limit, and turns Nagle's algorithm off. */
int sea__dial(const sea_load_options_t *options);

/* A socket that is still to be connected. When the target is loopback it is bound to one of many
 * loopback addresses chosen by turn, so that TIME_WAIT cannot use up the ports of one. */
int sea__dial_socket(const sea_load_options_t *options, uint64_t turn);

/* Raises the soft limit of open files to what is needed. */
int sea__dial_allow_files(uint32_t files);

#endif
