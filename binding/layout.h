/* The binary layout of an event record, declared here and nowhere else; addon.c exports it to
 * JavaScript as constants.layout and constants.events. */
#ifndef SEA_NAPI_LAYOUT_H
#define SEA_NAPI_LAYOUT_H

enum {
  SEA_NAPI_RECORD_KIND,   /* sea_event_kind_t */
  SEA_NAPI_RECORD_SLOT,   /* of the connection; 0 for events of the server */
  SEA_NAPI_RECORD_A,      /* OPEN: generation; DATA: offset in the slab; otherwise the result */
  SEA_NAPI_RECORD_B,      /* DATA: length in bytes */
  SEA_NAPI_RECORD_LENGTH, /* numbers per record */
};

#endif
