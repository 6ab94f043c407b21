# SPDX-License-Identifier: MIT
# Sanitizers and coverage, for the whole tree at once: mixing instrumented with plain code gives
# false reports, so no target can opt in or out.

set(ASHLAR_ASAN OFF)
set(ASHLAR_TSAN OFF)
set(ASHLAR_UBSAN OFF)

if(ASHLAR_SANITIZER)
  string(REPLACE "," ";" sanitizers "${ASHLAR_SANITIZER}")
  foreach(sanitizer IN LISTS sanitizers)
    if(sanitizer STREQUAL "address")
      set(ASHLAR_ASAN ON)
    elseif(sanitizer STREQUAL "thread")
      set(ASHLAR_TSAN ON)
    elseif(sanitizer STREQUAL "undefined")
      set(ASHLAR_UBSAN ON)
    elseif(NOT sanitizer MATCHES "^fuzzer(-no-link)?$")
      message(FATAL_ERROR "Unknown sanitizer '${sanitizer}' in ASHLAR_SANITIZER")
    endif()
  endforeach()
  add_compile_options(-fsanitize=${ASHLAR_SANITIZER} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${ASHLAR_SANITIZER})
  if(ASHLAR_UBSAN)
    # A finding must fail the test, not just print. The core has no RTTI for the vptr check.
    add_compile_options(-fno-sanitize-recover=undefined -fno-sanitize=vptr)
    add_link_options(-fno-sanitize=vptr)
  endif()
endif()

if(ASHLAR_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()
