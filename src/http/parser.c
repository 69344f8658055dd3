#include "parser.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define KEPT_FIRST 512U

/* -- what llhttp calls ------------------------------------------------------------------------ */

static sea_http_parser_t *
parser_of(llhttp_t *machine)
{
  return machine->data;
}

static sea_http_message_t *
message_of(llhttp_t *machine)
{
  return &parser_of(machine)->shared->message;
}

static int
on_url(llhttp_t *machine, const char *at, size_t len)
{
  message_of(machine)->url = (sea_http_text_t){.at = at, .len = (uint32_t)len};
  return 0;
}

static int
on_header_field(llhttp_t *machine, const char *at, size_t len)
{
  sea_http_message_t *message = message_of(machine);
  message->fields[message->count++] = (sea_http_field_t){.name = {at, (uint32_t)len}};
  return 0;
}

static int
on_header_value(llhttp_t *machine, const char *at, size_t len)
{
  sea_http_message_t *message = message_of(machine);
  message->fields[message->count - 1].value = (sea_http_text_t){at, (uint32_t)len};
  return 0;
}

static bool
is_word(sea_http_text_t text, const char *word)
{
  return text.len == strlen(word) && strncasecmp(text.at, word, text.len) == 0;
}

/* Looks at the headers whose number or value decides about the message. */
static int
on_header_value_complete(llhttp_t *machine)
{
  sea_http_message_t *message = message_of(machine);
  sea_http_field_t *field = &message->fields[message->count - 1];
  while (field->value.len > 0 && (field->value.at[field->value.len - 1] == ' ' ||
                                  field->value.at[field->value.len - 1] == '\t')) {
    field->value.len--;
  }
  if (is_word(field->name, "host")) {
    message->hosts++;
  } else if (is_word(field->name, "transfer-encoding")) {
    message->codings++;
    message->plain_chunked = is_word(field->value, "chunked");
  } else if (is_word(field->name, "content-length")) {
    message->lengths++;
  } else if (is_word(field->name, "expect")) {
    message->expectation = is_word(field->value, "100-continue") ? 1 : -1;
  }
  return 0;
}

static int
on_headers_complete(llhttp_t *machine)
{
  sea_http_message_t *message = message_of(machine);
  bool chunked = (machine->flags & F_CHUNKED) != 0;
  message->method = machine->method;
  message->flags = (llhttp_should_keep_alive(machine) ? SEA_HTTP_KEEP_ALIVE : 0U) |
                   (machine->method == HTTP_HEAD ? SEA_HTTP_HEAD : 0U) |
                   (machine->http_minor == 0 ? SEA_HTTP_1_0 : 0U) |
                   (chunked || machine->content_length > 0 ? SEA_HTTP_BODY : 0U) |
                   (chunked ? SEA_HTTP_CHUNKED : 0U) | (machine->upgrade ? SEA_HTTP_UPGRADE : 0U);
  machine->upgrade = 0; /* an offer; the request is one like any other */
  uint64_t most = parser_of(machine)->shared->limits.body_bytes;
  if (most != 0 && machine->content_length > most) {
    parser_of(machine)->status = 413;
  }
  return 0;
}

static int
on_body(llhttp_t *machine, const char *at, size_t len)
{
  sea_http_parser_t *parser = parser_of(machine);
  memmove(parser->out, at, len);
  parser->out += len;
  return 0;
}

static int
on_extension(llhttp_t *machine, const char *at, size_t len)
{
  sea_http_parser_t *parser = parser_of(machine);
  (void)at;
  parser->extension_bytes += (uint32_t)len;
  if (parser->extension_bytes <= SEA_HTTP_EXTENSION_MAX) {
    return 0;
  }
  parser->status = 413;
  return HPE_USER;
}

static int
on_chunk_header(llhttp_t *machine)
{
  sea_http_parser_t *parser = parser_of(machine);
  uint64_t most = parser->shared->limits.body_bytes;
  parser->extension_bytes = 0;
  if (machine->content_length == 0) {
    parser->part = SEA_HTTP_IN_TRAILERS;
    return HPE_PAUSED; /* the trailers pass the screen first */
  }
  parser->body_bytes += machine->content_length;
  if (parser->body_bytes < machine->content_length || (most != 0 && parser->body_bytes > most)) {
    parser->status = 413;
    return -1;
  }
  return 0;
}

static int
on_message_complete(llhttp_t *machine)
{
  parser_of(machine)->complete = true;
  return HPE_PAUSED;
}

/* -- life ------------------------------------------------------------------------------------- */

int
sea__http_shared_init(sea_http_shared_t *shared, const sea_http_limits_t *limits)
{
  *shared = (sea_http_shared_t){.limits = *limits};
  shared->message.fields = calloc(limits->headers_max + 1U, sizeof *shared->message.fields);
  if (shared->message.fields == NULL) {
    return -ENOMEM;
  }
  llhttp_settings_init(&shared->settings);
  shared->settings.on_url = on_url;
  shared->settings.on_header_field = on_header_field;
  shared->settings.on_header_value = on_header_value;
  shared->settings.on_header_value_complete = on_header_value_complete;
  shared->settings.on_headers_complete = on_headers_complete;
  shared->settings.on_body = on_body;
  shared->settings.on_chunk_extension_name = on_extension;
  shared->settings.on_chunk_extension_value = on_extension;
  shared->settings.on_chunk_header = on_chunk_header;
  shared->settings.on_message_complete = on_message_complete;
  return 0;
}

void
sea__http_shared_deinit(sea_http_shared_t *shared)
{
  free(shared->message.fields);
  shared->message.fields = NULL;
}

static void
await_head(sea_http_parser_t *parser)
{
  parser->part = SEA_HTTP_IN_HEAD;
  parser->body_bytes = 0;
  sea__http_screen_head(&parser->screen);
}

void
sea__http_parser_init(sea_http_parser_t *parser, sea_http_shared_t *shared)
{
  *parser = (sea_http_parser_t){.shared = shared};
  llhttp_init(&parser->machine, HTTP_REQUEST, &shared->settings);
  parser->machine.data = parser;
  await_head(parser);
}

static void
forget_kept(sea_http_parser_t *parser)
{
  free(parser->kept);
  parser->kept = NULL;
  parser->kept_len = 0;
  parser->kept_room = 0;
}

void
sea__http_parser_deinit(sea_http_parser_t *parser)
{
  forget_kept(parser);
}

/* -- steps ------------------------------------------------------------------------------------ */

static void
refuse(sea_http_step_t *step, int status)
{
  step->kind = SEA_HTTP_REFUSED;
  step->status = status;
}

/* Keeps the pieces of a head or of trailers until they are whole. */
static bool
keep(sea_http_parser_t *parser, const char *data, size_t len)
{
  uint32_t needed = parser->kept_len + (uint32_t)len; /* the screen bounds it */
  if (needed > parser->kept_room) {
    uint32_t room = parser->kept_room == 0 ? KEPT_FIRST : parser->kept_room;
    while (room < needed) {
      room *= 2;
    }
    char *grown = realloc(parser->kept, room);
    if (grown == NULL) {
      return false;
    }
    parser->kept = grown;
    parser->kept_room = room;
  }
  memcpy(parser->kept + parser->kept_len, data, len);
  parser->kept_len = needed;
  return true;
}

/* Lets llhttp go on. The status to refuse with, or 0; *used is how far it came. */
static int
execute(sea_http_parser_t *parser, const char *data, size_t len, size_t *used)
{
  llhttp_t *machine = &parser->machine;
  parser->complete = false;
  parser->status = 0;
  if (llhttp_get_errno(machine) == HPE_PAUSED) {
    llhttp_resume(machine);
  }
  llhttp_errno_t error = llhttp_execute(machine, data, len);
  *used = error == HPE_OK ? len : (size_t)(llhttp_get_error_pos(machine) - data);
  if (parser->status != 0 || error == HPE_OK || error == HPE_PAUSED) {
    return parser->status;
  }
  return 400;
}

/* What llhttp lets pass, and servers are to refuse or we do not know. */
static int
judge(const sea_http_message_t *message)
{
  bool old = (message->flags & SEA_HTTP_1_0) != 0;
  if (message->hosts > 1 || (message->hosts == 0 && !old)) {
    return 400;
  }
  if (message->codings > 1 || (message->codings > 0 && old)) {
    return 400;
  }
  if ((message->codings > 0 && !message->plain_chunked) || message->method == HTTP_CONNECT) {
    return 501;
  }
  return message->expectation < 0 && !old ? 417 : 0;
}

static void
parse_head(sea_http_parser_t *parser, const char *text, size_t len, sea_http_step_t *step)
{
  sea_http_message_t *message = &parser->shared->message;
  *message = (sea_http_message_t){.fields = message->fields, .head_bytes = (uint32_t)len};
  size_t used;
  int status = execute(parser, text, len, &used);
  if (status == 0) {
    status = judge(message);
  }
  if (status != 0 || used != len) {
    refuse(step, status != 0 ? status : 400);
    return;
  }
  if (message->expectation > 0 &&
      (message->flags & (SEA_HTTP_1_0 | SEA_HTTP_BODY)) == SEA_HTTP_BODY) {
    message->flags |= SEA_HTTP_CONTINUE;
  }
  step->kind = SEA_HTTP_REQUEST;
  step->complete = parser->complete;
  if (step->complete) {
    await_head(parser);
  } else {
    parser->part = SEA_HTTP_IN_BODY;
  }
}

static void
parse_trailers(sea_http_parser_t *parser, const char *text, size_t len, sea_http_step_t *step)
{
  sea_http_message_t *message = &parser->shared->message;
  *message = (sea_http_message_t){.fields = message->fields, .head_bytes = (uint32_t)len};
  size_t used;
  int status = execute(parser, text, len, &used);
  bool frames = message->codings > 0 || message->lengths > 0;
  if (status == 0 && (!parser->complete || used != len || frames)) {
    status = 400;
  }
  if (status != 0) {
    refuse(step, status);
    return;
  }
  step->kind = SEA_HTTP_DATA;
  step->complete = true;
  step->trailers = true;
  await_head(parser);
}

/* A head or trailers: screened, and parsed when they are whole. */
static void
step_lines(sea_http_parser_t *parser, const char *data, size_t len, sea_http_step_t *step)
{
  int answer = sea__http_screen_run(&parser->screen, &parser->shared->limits, data, len,
                                    &step->used);
  if (answer > SEA_SCREEN_END) {
    refuse(step, answer);
    return;
  }
  bool whole = answer == SEA_SCREEN_END && parser->kept_len == 0;
  if (!whole && !keep(parser, data, step->used)) {
    refuse(step, 500);
    return;
  }
  if (answer == SEA_SCREEN_MORE) {
    return;
  }
  const char *text = whole ? data : parser->kept;
  size_t text_len = whole ? step->used : parser->kept_len;
  parser->kept_len = 0;
  if (parser->part == SEA_HTTP_IN_HEAD) {
    parse_head(parser, text, text_len, step);
  } else {
    parse_trailers(parser, text, text_len, step);
  }
}

static void
step_body(sea_http_parser_t *parser, char *data, size_t len, sea_http_step_t *step)
{
  parser->out = data;
  int status = execute(parser, data, len, &step->used);
  step->body_len = (size_t)(parser->out - data);
  if (status != 0) {
    refuse(step, status);
    return;
  }
  step->kind = SEA_HTTP_DATA;
  step->complete = parser->complete;
  if (step->complete) {
    await_head(parser);
  } else if (parser->part == SEA_HTTP_IN_TRAILERS) {
    sea__http_screen_trailers(&parser->screen);
  }
}

void
sea__http_parse(sea_http_parser_t *parser, char *data, size_t len, sea_http_step_t *step)
{
  *step = (sea_http_step_t){.kind = SEA_HTTP_MORE};
  if (parser->kept_len == 0 && parser->kept != NULL) {
    forget_kept(parser); /* of the message before */
  }
  if (parser->part == SEA_HTTP_IN_BODY) {
    step_body(parser, data, len, step);
  } else {
    step_lines(parser, data, len, step);
  }
}
