# liburing is linked statically: a prebuilt addon then needs nothing at run time but libc. Where only the
# shared one is installed, a build for this machine alone makes do with that.
find_path(LIBURING_INCLUDE_DIR liburing.h REQUIRED)
find_library(LIBURING_ARCHIVE NAMES liburing.a uring REQUIRED)

add_library(liburing::static UNKNOWN IMPORTED)
set_target_properties(liburing::static PROPERTIES
  IMPORTED_LOCATION ${LIBURING_ARCHIVE}
  INTERFACE_INCLUDE_DIRECTORIES ${LIBURING_INCLUDE_DIR})
