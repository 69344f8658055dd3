/* What the core has taken and not given back. */
#ifndef SHIM_BOOKS_H
#define SHIM_BOOKS_H

#include <stdint.h>

void fault_note_memory(int allocations);
void fault_note_mapping(int64_t bytes);

#endif
