# One executable per behaviour: test/c/<name>_test.c, plus what support*.c they share.
find_path(CMOCKA_INCLUDE_DIR cmocka.h REQUIRED)
find_library(CMOCKA_LIBRARY NAMES cmocka REQUIRED)

file(GLOB test_sources CONFIGURE_DEPENDS test/c/*_test.c)
file(GLOB support_sources CONFIGURE_DEPENDS test/c/support*.c)

add_library(searings_test INTERFACE)
target_include_directories(searings_test INTERFACE test/c)
target_include_directories(searings_test SYSTEM INTERFACE ${CMOCKA_INCLUDE_DIR})
target_link_libraries(searings_test INTERFACE searings_options searings_core ${CMOCKA_LIBRARY})

add_custom_target(ctests)
foreach(source IN LISTS test_sources)
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source} ${support_sources})
  target_link_libraries(${name} PRIVATE searings_test)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/ctests)
  add_dependencies(ctests ${name})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 120)
  # Those with a server run again on the other driver.
  file(STRINGS ${source} uses_server REGEX "default_options|tiny_options" LIMIT_COUNT 1)
  if(uses_server)
    add_test(NAME ${name}_inline COMMAND ${name})
    set_tests_properties(${name}_inline PROPERTIES TIMEOUT 120 ENVIRONMENT SEARINGS_DRIVER=inline)
  endif()
endforeach()
