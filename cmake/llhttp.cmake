# llhttp, the HTTP parser that Node uses, from the sources in deps/ or else those that Debian's node-llhttp
# installs. Linked statically, and compiled in its strict mode: what it would otherwise let pass is refused.
find_path(LLHTTP_INCLUDE_DIR llhttp.h
  PATHS ${CMAKE_SOURCE_DIR}/deps/llhttp /usr/share/include/llhttp /usr/include NO_DEFAULT_PATH REQUIRED)
find_path(LLHTTP_SOURCE_DIR llhttp.c
  PATHS ${CMAKE_SOURCE_DIR}/deps/llhttp /usr/share/llhttp NO_DEFAULT_PATH REQUIRED)

add_library(llhttp STATIC
  ${LLHTTP_SOURCE_DIR}/llhttp.c ${LLHTTP_SOURCE_DIR}/http.c ${LLHTTP_SOURCE_DIR}/api.c)
target_include_directories(llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE_DIR})
target_compile_definitions(llhttp PUBLIC LLHTTP_STRICT_MODE=1)
target_compile_options(llhttp PRIVATE -w)
