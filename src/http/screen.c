#include "screen.h"

#define METHOD_MAX 32

enum {
  BEFORE = 0, /* empty lines before the request line are to be passed over */
  BEFORE_LF,
  METHOD,
  URL,
  VERSION,
  LINE, /* the first character of a header line */
  NAME,
  VALUE,
  VALUE_LF,
  END_LF,
};

static const char version_form[] = "HTTP/d.d\r\n";

/* What a header's name may consist of (RFC 9110, 5.6.2). */
static const bool token[256] = {
    ['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true, ['!'] = true,  ['#'] = true,
    ['$'] = true,         ['%'] = true,         ['&'] = true,         ['\''] = true, ['*'] = true,
    ['+'] = true,         ['-'] = true,         ['.'] = true,         ['^'] = true,  ['_'] = true,
    ['`'] = true,         ['|'] = true,         ['~'] = true,
};

void
sea__http_screen_head(sea_http_screen_t *screen)
{
  *screen = (sea_http_screen_t){.state = BEFORE};
}

void
sea__http_screen_trailers(sea_http_screen_t *screen)
{
  *screen = (sea_http_screen_t){.state = LINE};
}

bool
sea__http_screen_untouched(const sea_http_screen_t *screen)
{
  return screen->state <= BEFORE_LF;
}

static int
before(sea_http_screen_t *screen, unsigned char c)
{
  if (screen->state == BEFORE_LF) {
    screen->state = BEFORE;
    return c == '\n' ? 0 : 400;
  }
  if (c == '\r') {
    screen->state = BEFORE_LF;
    return 0;
  }
  screen->state = METHOD;
  screen->matched = 1;
  return c >= 'A' && c <= 'Z' ? 0 : 400;
}

static int
method(sea_http_screen_t *screen, unsigned char c)
{
  if (c == ' ') {
    screen->state = URL;
    return 0;
  }
  bool known = (c >= 'A' && c <= 'Z') || c == '-';
  return known && ++screen->matched <= METHOD_MAX ? 0 : 400;
}

static int
url(sea_http_screen_t *screen, const sea_http_limits_t *limits, unsigned char c)
{
  if (c == ' ' && screen->url_bytes > 0) {
    screen->state = VERSION;
    screen->matched = 0;
    return 0;
  }
  if (c <= ' ' || c >= 0x7f) {
    return 400; /* also a line's end: HTTP/0.9 */
  }
  return ++screen->url_bytes <= limits->url_bytes ? 0 : 414;
}

static int
version(sea_http_screen_t *screen, unsigned char c)
{
  char wanted = version_form[screen->matched++];
  if (wanted != 'd') {
    if (c != (unsigned char)wanted) {
      return 400;
    }
  } else if (c < '0' || c > '9') {
    return 400;
  } else {
    *(screen->major == 0 ? &screen->major : &screen->minor) = (char)c;
  }
  if (version_form[screen->matched] == '\0') {
    screen->state = LINE;
    return screen->major == '1' && screen->minor <= '1' ? 0 : 505;
  }
  return 0;
}

static int
line(sea_http_screen_t *screen, const sea_http_limits_t *limits, unsigned char c)
{
  if (c == '\r') {
    screen->state = END_LF;
    return 0;
  }
  screen->state = NAME;
  if (!token[c]) {
    return 400; /* a space: the line would continue the one before */
  }
  return ++screen->headers <= limits->headers_max ? 0 : 431;
}

static int
name(sea_http_screen_t *screen, unsigned char c)
{
  if (c == ':') {
    screen->state = VALUE;
    return 0;
  }
  return token[c] ? 0 : 400;
}

static int
value(sea_http_screen_t *screen, unsigned char c)
{
  if (c == '\r') {
    screen->state = VALUE_LF;
    return 0;
  }
  return c == '\t' || (c >= ' ' && c != 0x7f) ? 0 : 400;
}

static int
take(sea_http_screen_t *screen, const sea_http_limits_t *limits, unsigned char c)
{
  switch (screen->state) {
  case BEFORE:
  case BEFORE_LF:
    return before(screen, c);
  case METHOD:
    return method(screen, c);
  case URL:
    return url(screen, limits, c);
  case VERSION:
    return version(screen, c);
  case LINE:
    return line(screen, limits, c);
  case NAME:
    return name(screen, c);
  case VALUE:
    return value(screen, c);
  case VALUE_LF:
    screen->state = LINE;
    return c == '\n' ? 0 : 400;
  default: /* END_LF */
    return c == '\n' ? SEA_SCREEN_END : 400;
  }
}

int
sea__http_screen_run(sea_http_screen_t *screen, const sea_http_limits_t *limits, const char *data,
                     size_t len, size_t *used)
{
  for (size_t i = 0; i < len; i++) {
    if (screen->bytes++ >= limits->header_bytes) {
      *used = i;
      return screen->state == URL ? 414 : 431;
    }
    int answer = take(screen, limits, (unsigned char)data[i]);
    if (answer != 0) {
      *used = i + 1;
      return answer;
    }
  }
  *used = len;
  return SEA_SCREEN_MORE;
}
