/* The binary layout of an event record, declared here and nowhere else; addon.c exports it to
 * JavaScript as constants.RECORD_*, next to the event kinds. */
#ifndef SEA_NAPI_LAYOUT_H
#define SEA_NAPI_LAYOUT_H

enum {
  SEA_NAPI_RECORD_KIND,   /* sea_event_kind_t */
  SEA_NAPI_RECORD_SLOT,   /* of the connection; 0 for events of the server */
  SEA_NAPI_RECORD_A,      /* OPEN: generation; data: offset in the slab; otherwise the result */
  SEA_NAPI_RECORD_B,      /* data: length in bytes */
  SEA_NAPI_RECORD_LENGTH, /* numbers per record */
};

/* What writeNow() answers. */
enum {
  SEA_NAPI_WRITE_REFUSED,
  SEA_NAPI_WRITE_QUEUED,
  SEA_NAPI_WRITE_SENT,
};

/* What post() answers. */
enum {
  SEA_NAPI_POST_REFUSED,
  SEA_NAPI_POST_TAKEN,
  SEA_NAPI_POST_NO_SPACE, /* refused by the command ring: COMMAND_SPACE follows, and no DRAIN */
};

/* Added to the kind of a record whose bytes (of DATA, REQUEST, TRAILERS) are in the small slab.
 * Those of REQUEST and TRAILERS are a sea_http_record_t, at a multiple of 4. */
#define SEA_NAPI_SMALL 64

#endif
