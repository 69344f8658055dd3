# What every C file of the project is compiled with. The presets make the warnings errors; a compiler that
# somebody else installs the package with may know more of them.
add_library(searings_options INTERFACE)
target_compile_definitions(searings_options INTERFACE _GNU_SOURCE)
target_compile_options(searings_options INTERFACE
  -Wall -Wextra -Wshadow -Wconversion)

if(SEARINGS_SANITIZE)
  # Global, so that test executables and the addon are linked with the run-time as well.
  add_compile_options(-fsanitize=${SEARINGS_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${SEARINGS_SANITIZE})
  if(SEARINGS_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
endif()
