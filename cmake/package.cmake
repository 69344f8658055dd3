# Toolchain of the prebuilt addons, from Debian 12 on x64:
#   SEARINGS_MACHINE  x86_64 or aarch64
#   SEARINGS_LIBC     gnu or musl
#   SEARINGS_SYSROOT  Debian's liburing-dev, linux-libc-dev, musl-dev and musl of that machine, unpacked
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES SEARINGS_MACHINE SEARINGS_LIBC SEARINGS_SYSROOT)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${SEARINGS_MACHINE})
set(CMAKE_C_COMPILER ${SEARINGS_MACHINE}-linux-gnu-gcc)

set(debian ${SEARINGS_MACHINE}-linux-gnu)
set(LIBURING_INCLUDE_DIR ${SEARINGS_SYSROOT}/usr/include CACHE PATH "")
set(LIBURING_ARCHIVE ${SEARINGS_SYSROOT}/usr/lib/${debian}/liburing.a CACHE FILEPATH "")

if(SEARINGS_MACHINE STREQUAL "aarch64")
  # The helpers of libgcc that choose instructions at run time ask glibc for the processor.
  set(machine_flags -mno-outline-atomics)
endif()

if(SEARINGS_LIBC STREQUAL "gnu")
  # Newer glibcs have everything in libc.so.6; the older ones have not.
  set(libc_flags "-include ${CMAKE_CURRENT_LIST_DIR}/glibc-2.28.h")
  set(libc_link_flags "-Wl,--no-as-needed,-l:libpthread.so.0,-l:libdl.so.2,--as-needed")
else()
  # The compiler is made for glibc: all it would find by itself is replaced.
  execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=include
    OUTPUT_VARIABLE compiler_headers OUTPUT_STRIP_TRAILING_WHITESPACE)
  set(musl ${SEARINGS_MACHINE}-linux-musl)
  set(libc_flags -nostdinc)
  foreach(folder ${SEARINGS_SYSROOT}/usr/include/${musl} ${compiler_headers}
      ${SEARINGS_SYSROOT}/usr/include ${SEARINGS_SYSROOT}/usr/include/${debian})
    string(APPEND libc_flags " -isystem ${folder}")
  endforeach()
  set(libc_link_flags "-nostdlib -L${SEARINGS_SYSROOT}/lib/${musl}")
  set(CMAKE_C_STANDARD_LIBRARIES "-l:libc.so -lgcc")
endif()

set(CMAKE_C_FLAGS_INIT "${machine_flags} ${libc_flags}")
set(CMAKE_MODULE_LINKER_FLAGS_INIT "${libc_link_flags} -Wl,--strip-all,--build-id")
