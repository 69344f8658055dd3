# liburing is linked statically: a prebuilt addon then needs nothing at run time but libc. Where only the
# shared one is installed, a build for this machine alone makes do with that.
find_path(LIBURING_INCLUDE_DIR liburing.h REQUIRED)
find_library(LIBURING_ARCHIVE NAMES liburing.a uring REQUIRED)

# A compiler that knows of no such function may leave that to whoever loads the result.
include(CheckCSourceCompiles)
set(CMAKE_REQUIRED_INCLUDES ${LIBURING_INCLUDE_DIR})
set(CMAKE_REQUIRED_FLAGS -Werror=implicit-function-declaration)
set(target_type ${CMAKE_TRY_COMPILE_TARGET_TYPE})
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
check_c_source_compiles("#include <liburing.h>
void f(struct io_uring_sqe *sqe) { io_uring_prep_sendmsg_zc(sqe, 0, 0, 0); }" LIBURING_IS_NEW_ENOUGH)
set(CMAKE_TRY_COMPILE_TARGET_TYPE ${target_type})
unset(CMAKE_REQUIRED_FLAGS)
unset(CMAKE_REQUIRED_INCLUDES)
if(NOT LIBURING_IS_NEW_ENOUGH)
  unset(LIBURING_IS_NEW_ENOUGH CACHE)
  message(FATAL_ERROR "liburing is too old: 2.3 or newer is needed")
endif()

add_library(liburing::static UNKNOWN IMPORTED)
set_target_properties(liburing::static PROPERTIES
  IMPORTED_LOCATION ${LIBURING_ARCHIVE}
  INTERFACE_INCLUDE_DIRECTORIES ${LIBURING_INCLUDE_DIR})
