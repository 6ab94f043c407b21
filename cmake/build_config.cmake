# SPDX-License-Identifier: MIT
# Generates ashlar/base/build_config.hpp into the build tree: what was built, as constants.

foreach(name ASAN TSAN UBSAN DEBUG_CHECKS)
  if(ASHLAR_${name})
    set(ASHLAR_BOOL_${name} true)
  else()
    set(ASHLAR_BOOL_${name} false)
  endif()
endforeach()

set(ASHLAR_GENERATED_DIR "${PROJECT_BINARY_DIR}/generated")
configure_file("${PROJECT_SOURCE_DIR}/cmake/build_config.hpp.in"
               "${ASHLAR_GENERATED_DIR}/ashlar/base/build_config.hpp" @ONLY)
