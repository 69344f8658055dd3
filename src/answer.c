/* Connections whose events the worker answers by itself. */
#include "loop.h"

/* Closing while the peer may still send would answer it with RST, and a RST can overtake what we
 * sent last. So after our FIN the connection waits for the peer's, and throws away what comes. */
void
sea__answer_finish(sea_loop_t *loop, sea_conn_t *conn)
{
  if (conn->state != SEA_CONN_OPEN) {
    return;
  }
  if (conn->write_end == SEA_WRITE_SHUT && conn->recv == SEA_RECV_ENDED) {
    sea__conn_close(loop, conn, SEA_CLOSE_ASKED, false); /* nothing more will come of it */
    return;
  }
  if (conn->answers != SEA_ANSWERS_HTTP) {
    conn->answers = SEA_ANSWERS_FINISH; /* HTTP does the same, and more */
  }
  sea__recv_resume(loop, conn); /* it may be paused, and is to see the FIN */
  if (conn->write_end == SEA_WRITE_OPEN) {
    conn->write_end = SEA_WRITE_SHUTTING;
  }
}

bool
sea__answer_finish_event(sea_loop_t *loop, sea_conn_t *conn, const sea_event_t *event)
{
  switch (event->kind) {
  case SEA_EVENT_DATA:
    sea__loop_release(loop, event);
    return true;
  case SEA_EVENT_END:
    if (conn->write_end == SEA_WRITE_SHUT) {
      sea__conn_close(loop, conn, SEA_CLOSE_ASKED, false);
    }
    return true;
  case SEA_EVENT_SHUTDOWN:
    if (conn->recv == SEA_RECV_ENDED || event->result < 0) {
      sea__conn_close(loop, conn, SEA_CLOSE_ASKED, false);
    }
    return true;
  case SEA_EVENT_DRAIN:
    return true;
  default:
    return false;
  }
}

bool
sea__answer(sea_loop_t *loop, sea_conn_t *conn, const sea_event_t *event)
{
  if (conn->answers == SEA_ANSWERS_FINISH) {
    return sea__answer_finish_event(loop, conn, event);
  }
  if (conn->answers == SEA_ANSWERS_HTTP) {
    sea__http_event(loop, conn, event);
  } else {
    sea__echo_event(loop, conn, event);
  }
  return true;
}
