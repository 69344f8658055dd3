/* What the fuzz targets share: numbers and bytes out of the input. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct fuzz_input {
  const uint8_t *bytes;
  size_t left;
} fuzz_input_t;

/* What the target promises does not hold: reported as a crash, with the input. */
#define fuzz_must(condition) ((condition) ? (void)0 : abort())

/* Fills `to`; with zeros where the input has ended. */
static inline void
fuzz_take(fuzz_input_t *input, void *to, size_t len)
{
  size_t n = len < input->left ? len : input->left;
  memset(to, 0, len);
  memcpy(to, input->bytes, n);
  input->bytes += n;
  input->left -= n;
}

static inline uint8_t
fuzz_u8(fuzz_input_t *input)
{
  uint8_t value;
  fuzz_take(input, &value, sizeof value);
  return value;
}

static inline uint32_t
fuzz_u32(fuzz_input_t *input)
{
  uint32_t value;
  fuzz_take(input, &value, sizeof value);
  return value;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#endif
