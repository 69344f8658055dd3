/* Whether a ring that defers its work wakes who sleeps on its eventfd. Tried by the probe. */
#ifndef SEA_DEFERRED_H
#define SEA_DEFERRED_H

#include <stdbool.h>

/* False on kernels that write to the eventfd late, and then never again (seen on 6.12.117), and
 * where it cannot be tried. */
bool sea__deferred_work_wakes(void);

#endif
