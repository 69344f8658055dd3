#include "reply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLOSING "Connection: close\r\nContent-Length: 0\r\n\r\n"

static const struct {
  int status;
  const char *text;
} refusals[] = {
    {400, "HTTP/1.1 400 Bad Request\r\n" CLOSING},
    {408, "HTTP/1.1 408 Request Timeout\r\n" CLOSING},
    {413, "HTTP/1.1 413 Payload Too Large\r\n" CLOSING},
    {414, "HTTP/1.1 414 URI Too Long\r\n" CLOSING},
    {417, "HTTP/1.1 417 Expectation Failed\r\n" CLOSING},
    {431, "HTTP/1.1 431 Request Header Fields Too Large\r\n" CLOSING},
    {501, "HTTP/1.1 501 Not Implemented\r\n" CLOSING},
    {505, "HTTP/1.1 505 HTTP Version Not Supported\r\n" CLOSING},
};

const char *
sea__http_refusal(int status)
{
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
    if (refusals[i].status == status) {
      return refusals[i].text;
    }
  }
  return "HTTP/1.1 500 Internal Server Error\r\n" CLOSING;
}

void
sea__http_date(char *out, time_t second)
{
  static const char days[] = "SunMonTueWedThuFriSat";
  static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  struct tm tm;
  char text[64];
  gmtime_r(&second, &tm);
  /* Not strftime(), whose names are those of the locale. */
  snprintf(text, sizeof text, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
           &days[(size_t)tm.tm_wday * 3], tm.tm_mday, &months[(size_t)tm.tm_mon * 3],
           tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
  memcpy(out, text, SEA_HTTP_DATE_LEN);
}

static char *
append(char *out, const char *text, size_t len)
{
  memcpy(out, text, len);
  return out + len;
}

static char *
append_length(char *out, size_t len)
{
  static const char name[] = "Content-Length: ";
  char digits[24];
  char *at = digits + sizeof digits;
  *--at = '\n';
  *--at = '\r';
  do {
    *--at = (char)('0' + len % 10);
    len /= 10;
  } while (len > 0);
  out = append(out, name, sizeof name - 1);
  return append(out, at, (size_t)(digits + sizeof digits - at));
}

size_t
sea__http_head(char *out, const char *head, size_t head_len, size_t body_len, uint32_t flags,
               sea_http_manner_t manner, time_t second, size_t *date_at)
{
  static const char *const manners[] = {"", "Connection: keep-alive\r\n", "Connection: close\r\n"};
  char *at = append(out, head, head_len);
  if ((flags & SEA_HTTP_REPLY_NO_LENGTH) == 0) {
    at = append_length(at, body_len);
  }
  at = append(at, manners[manner], strlen(manners[manner]));
  *date_at = 0;
  if ((flags & SEA_HTTP_REPLY_NO_DATE) == 0) {
    at = append(at, "Date: ", 6);
    *date_at = (size_t)(at - out);
    sea__http_date(at, second);
    at = append(at + SEA_HTTP_DATE_LEN, "\r\n", 2);
  }
  at = append(at, "\r\n", 2);
  return (size_t)(at - out);
}

/* -- fixed responses -------------------------------------------------------------------------- */

static char *
copy(const void *from, size_t len)
{
  char *to = malloc(len + 1);
  if (to != NULL && len > 0) {
    memcpy(to, from, len);
  }
  return to;
}

int
sea__http_fixed_init(sea_http_fixed_t *fixed, const sea_http_route_t *route)
{
  bool bare = (route->flags & SEA_HTTP_REPLY_NO_BODY) != 0;
  *fixed = (sea_http_fixed_t){
      .path = route->path == NULL ? NULL : copy(route->path, route->path_len),
      .path_len = route->path_len,
      .flags = route->flags,
      .head = copy(route->head, route->head_len),
      .head_len = route->head_len,
      .body = copy(route->body, bare ? 0 : route->body_len),
      .body_len = bare ? 0 : route->body_len,
  };
  bool missing = fixed->head == NULL || fixed->body == NULL ||
                 (route->path != NULL && fixed->path == NULL);
  return missing ? -ENOMEM : 0;
}

static void
retire(sea_http_render_t *render)
{
  if (render == NULL) {
    return;
  }
  render->retired = true;
  if (render->uses == 0) {
    free(render);
  }
}

void
sea__http_fixed_deinit(sea_http_fixed_t *fixed)
{
  for (int i = 0; i < SEA_HTTP_MANNERS; i++) {
    retire(fixed->renders[i]);
  }
  free(fixed->path);
  free(fixed->head);
  free(fixed->body);
}

void
sea__http_render_done(sea_http_render_t *render)
{
  if (--render->uses == 0 && render->retired) {
    free(render);
  }
}

static sea_http_render_t *
make(const sea_http_fixed_t *fixed, sea_http_manner_t manner, time_t now)
{
  size_t room = fixed->head_len + SEA_HTTP_OWN_LINES + fixed->body_len;
  sea_http_render_t *render = malloc(sizeof *render + room);
  if (render == NULL) {
    return NULL;
  }
  *render = (sea_http_render_t){.second = now};
  render->head_len = sea__http_head(render->bytes, fixed->head, fixed->head_len, fixed->body_len,
                                    fixed->flags, manner, now, &render->date_at);
  render->len = render->head_len + fixed->body_len;
  memcpy(render->bytes + render->head_len, fixed->body, fixed->body_len);
  return render;
}

sea_http_render_t *
sea__http_fixed_render(sea_http_fixed_t *fixed, sea_http_manner_t manner)
{
  sea_http_render_t *render = fixed->renders[manner];
  struct timespec now;
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (render == NULL || (render->second != now.tv_sec && render->uses > 0)) {
    sea_http_render_t *fresh = make(fixed, manner, now.tv_sec);
    if (fresh == NULL) {
      return NULL;
    }
    retire(render); /* the kernel still sends from it */
    fixed->renders[manner] = render = fresh;
  } else if (render->second != now.tv_sec) {
    render->second = now.tv_sec;
    if (render->date_at != 0) {
      sea__http_date(render->bytes + render->date_at, now.tv_sec);
    }
  }
  render->uses++;
  return render;
}
