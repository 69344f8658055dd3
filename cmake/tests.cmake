# One executable per behaviour: test/c/<name>_test.c, plus what support*.c they share.
find_path(CMOCKA_INCLUDE_DIR cmocka.h REQUIRED)
find_library(CMOCKA_LIBRARY NAMES cmocka REQUIRED)

file(GLOB test_sources CONFIGURE_DEPENDS test/c/*_test.c)
file(GLOB support_sources CONFIGURE_DEPENDS test/c/support*.c)

add_library(searings_test INTERFACE)
target_include_directories(searings_test INTERFACE test/c)
target_include_directories(searings_test SYSTEM INTERFACE ${CMOCKA_INCLUDE_DIR})
add_library(searings_test_support STATIC ${support_sources})
target_include_directories(searings_test_support SYSTEM PRIVATE ${CMOCKA_INCLUDE_DIR})
target_link_libraries(searings_test_support PRIVATE searings_options searings_core)

target_link_libraries(searings_test INTERFACE
  searings_options searings_test_support searings_core ${CMOCKA_LIBRARY})

add_custom_target(ctests)
foreach(source IN LISTS test_sources)
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE searings_test)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/ctests)
  add_dependencies(ctests ${name})
  add_test(NAME ${name} COMMAND ${name})
  # Those with a server run again on the other driver.
  file(STRINGS ${source} uses_server REGEX "default_options|tiny_options" LIMIT_COUNT 1)
  if(uses_server)
    add_test(NAME ${name}_inline COMMAND ${name})
    set_tests_properties(${name}_inline PROPERTIES ENVIRONMENT SEARINGS_DRIVER=inline)
  endif()
endforeach()

# ---- faults: the core once more, with its system calls and its ring redirected -------------------
file(GLOB fault_sources CONFIGURE_DEPENDS test/faults/*_test.c)
file(GLOB shim_sources CONFIGURE_DEPENDS test/faults/*.c)
list(REMOVE_ITEM shim_sources ${fault_sources})

add_library(searings_core_faulty OBJECT ${core_sources})
target_include_directories(searings_core_faulty PRIVATE src)
# With assertions in every flavour: a fault that breaks an invariant is to be seen where it does.
target_compile_options(searings_core_faulty
  PRIVATE -UNDEBUG -include ${CMAKE_SOURCE_DIR}/test/faults/redirect.h)
target_link_libraries(searings_core_faulty PRIVATE searings_options liburing::static llhttp)

# The host waits for its doorbell in poll(2): there it lets the worker run.
add_library(searings_host_polled OBJECT ${support_sources})
target_include_directories(searings_host_polled PRIVATE src)
target_include_directories(searings_host_polled SYSTEM PRIVATE ${CMOCKA_INCLUDE_DIR})
target_compile_definitions(searings_host_polled PRIVATE poll=play_poll)
target_link_libraries(searings_host_polled PRIVATE searings_options)

add_library(searings_faults STATIC ${shim_sources}
  $<TARGET_OBJECTS:searings_core_faulty> $<TARGET_OBJECTS:searings_host_polled>)
target_include_directories(searings_faults PUBLIC src test/c test/faults)
target_include_directories(searings_faults SYSTEM PUBLIC ${CMOCKA_INCLUDE_DIR})
target_link_libraries(searings_faults
  PUBLIC searings_options liburing::static llhttp Threads::Threads ${CMAKE_DL_LIBS}
  ${CMOCKA_LIBRARY})

foreach(source IN LISTS fault_sources)
  get_filename_component(name ${source} NAME_WE)
  add_executable(faults_${name} ${source})
  target_link_libraries(faults_${name} PRIVATE searings_faults)
  set_target_properties(faults_${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/ctests)
  add_dependencies(ctests faults_${name})
  add_test(NAME faults_${name} COMMAND faults_${name})
endforeach()
# The seeded runs take either driver by themselves.
foreach(name single_test pressure_test)
  add_test(NAME faults_${name}_inline COMMAND faults_${name})
  set_tests_properties(faults_${name}_inline PROPERTIES ENVIRONMENT SEARINGS_DRIVER=inline)
endforeach()
