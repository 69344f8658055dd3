/* A stand-in for Node, in which every property of every object is drawn from the input. */
#ifndef NAPI_STUB_H
#define NAPI_STUB_H

#include <node_api.h>
#include <stdbool.h>

#include "fuzz.h"

void stub_begin(fuzz_input_t *input);
/* Runs the finalizers. */
void stub_end(void);
/* Whether an exception was thrown. */
bool stub_thrown(void);
/* Calls the function of that name that was defined last. NULL when there is none. */
napi_value stub_call(const char *name);
double stub_number(napi_value value);

#endif
