# The addon: binding/*.c as a module that Node can load.
find_path(NODE_API_INCLUDE_DIR node_api.h
  PATHS ${CMAKE_SOURCE_DIR}/deps/node-api ${CMAKE_SOURCE_DIR}/node_modules/node-api-headers/include
  NO_DEFAULT_PATH REQUIRED)
# Of libuv only the header: its functions are those of the Node that loads the addon.
find_path(UV_INCLUDE_DIR uv.h HINTS ${CMAKE_SOURCE_DIR}/deps/uv REQUIRED)

file(GLOB binding_sources CONFIGURE_DEPENDS binding/*.c)
add_library(searings MODULE ${binding_sources})
target_include_directories(searings SYSTEM PRIVATE ${NODE_API_INCLUDE_DIR} ${UV_INCLUDE_DIR})
target_compile_definitions(searings PRIVATE NAPI_VERSION=8)
target_link_libraries(searings PRIVATE searings_options searings_core)
# Nothing of the core or of liburing may be visible to (or be replaced by) other addons.
target_link_options(searings PRIVATE -Wl,--exclude-libs,ALL -Wl,-z,relro,-z,now)
set_target_properties(searings PROPERTIES
  PREFIX ""
  SUFFIX ".node"
  LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
