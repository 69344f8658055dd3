# liburing is linked statically: a prebuilt addon then needs nothing at run time but libc.
find_path(LIBURING_INCLUDE_DIR liburing.h REQUIRED)
find_library(LIBURING_ARCHIVE NAMES liburing.a REQUIRED)

add_library(liburing::static STATIC IMPORTED)
set_target_properties(liburing::static PROPERTIES
  IMPORTED_LOCATION ${LIBURING_ARCHIVE}
  INTERFACE_INCLUDE_DIRECTORIES ${LIBURING_INCLUDE_DIR})
