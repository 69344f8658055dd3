# One libFuzzer target per test/fuzz/<name>_fuzz.c, linked with the core; the flavour is clang's.
find_path(NODE_API_INCLUDE_DIR node_api.h
  PATHS ${CMAKE_SOURCE_DIR}/node_modules/node-api-headers/include
  NO_DEFAULT_PATH REQUIRED)
find_path(UV_INCLUDE_DIR uv.h REQUIRED)

file(GLOB fuzz_sources CONFIGURE_DEPENDS test/fuzz/*_fuzz.c)
foreach(source IN LISTS fuzz_sources)
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source})
  target_include_directories(${name} PRIVATE test/fuzz)
  target_include_directories(${name} SYSTEM PRIVATE ${NODE_API_INCLUDE_DIR} ${UV_INCLUDE_DIR})
  target_link_libraries(${name} PRIVATE searings_options searings_core)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
endforeach()

# The binding on a stand-in for Node. What that has not got is never called.
file(GLOB binding_sources CONFIGURE_DEPENDS binding/*.c)
list(FILTER binding_sources EXCLUDE REGEX "/(addon|inline)\\.c$")
target_sources(options_fuzz PRIVATE test/fuzz/napi_stub.c ${binding_sources})
target_include_directories(options_fuzz PRIVATE binding)
target_compile_definitions(options_fuzz PRIVATE NAPI_VERSION=8)
target_link_options(options_fuzz PRIVATE
  -no-pie -Wl,--unresolved-symbols=ignore-all
  -Wl,--wrap=sea_server_create -Wl,--wrap=sea_server_listen -Wl,--wrap=sea_server_adopt)
