/* The HTTP parser takes any bytes: however they are split, the outcome is the same, and no byte is
 * read that is not there. The first byte of an input says where it is split. */
#include "fuzz.h"
#include "http/parser.h"

/* What was told, as one number, so that two outcomes can be compared. */
typedef struct outcome {
  uint64_t sum;
  uint64_t requests;
  int status;
} outcome_t;

static void
note(outcome_t *outcome, const char *bytes, size_t len)
{
  for (size_t i = 0; i < len; i++) {
    outcome->sum = (outcome->sum ^ (unsigned char)bytes[i]) * 1099511628211U;
  }
}

static void
note_message(outcome_t *outcome, const sea_http_message_t *message)
{
  outcome->requests++;
  note(outcome, message->url.at, message->url.len);
  for (uint32_t i = 0; i < message->count; i++) {
    note(outcome, message->fields[i].name.at, message->fields[i].name.len);
    note(outcome, message->fields[i].value.at, message->fields[i].value.len);
  }
}

static void
feed(sea_http_parser_t *parser, outcome_t *outcome, const uint8_t *bytes, size_t len)
{
  char *piece = malloc(len + (len == 0));
  fuzz_must(piece != NULL);
  if (len > 0) {
    memcpy(piece, bytes, len);
  }
  for (size_t used = 0; used < len && outcome->status == 0;) {
    sea_http_step_t step;
    sea__http_parse(parser, piece + used, len - used, &step);
    if (step.kind == SEA_HTTP_REFUSED) {
      outcome->status = step.status;
      break;
    }
    fuzz_must(step.used > 0 && step.used <= len - used && step.body_len <= step.used);
    if (step.kind == SEA_HTTP_REQUEST || step.trailers) {
      note_message(outcome, &parser->shared->message);
    }
    note(outcome, piece + used, step.body_len);
    used += step.used;
  }
  free(piece);
}

static outcome_t
parse(const uint8_t *bytes, size_t len, size_t cut)
{
  static const sea_http_limits_t limits = {
      .header_bytes = 2048, .headers_max = 32, .url_bytes = 256, .body_bytes = 4096};
  sea_http_shared_t shared;
  sea_http_parser_t parser;
  outcome_t outcome = {.sum = 14695981039346656037U};
  fuzz_must(sea__http_shared_init(&shared, &limits) == 0);
  sea__http_parser_init(&parser, &shared);
  feed(&parser, &outcome, bytes, cut);
  feed(&parser, &outcome, bytes + cut, len - cut);
  sea__http_parser_deinit(&parser);
  sea__http_shared_deinit(&shared);
  return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size < 2) {
    return 0;
  }
  size_t len = size - 1;
  outcome_t whole = parse(data + 1, len, len);
  outcome_t split = parse(data + 1, len, data[0] % len);
  /* Of a body that is refused in the end, the part that is told depends on the pieces. */
  fuzz_must(whole.status == split.status && whole.requests == split.requests);
  fuzz_must(whole.status != 0 || whole.sum == split.sum);
  return 0;
}
