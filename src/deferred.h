/* Whether a ring that defers its work wakes who sleeps on its eventfd. Tried by the probe. */
#ifndef SEA_DEFERRED_H
#define SEA_DEFERRED_H

#include <stdbool.h>

/* Within so many ms; 0 is at once. Some kernels write to the eventfd only after a grace period of
 * RCU: every time (7.2.13), or the first time, and then never again (6.12.117). False where it
 * cannot be tried. */
bool sea__deferred_work_wakes(int ms);

#endif
