#ifndef SEA_OPTIONS_H
#define SEA_OPTIONS_H

#include <stdbool.h>

#include "sea.h"

bool sea__options_valid(const sea_options_t *options);

#endif
