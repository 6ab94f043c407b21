# SPDX-License-Identifier: MIT
# The build options, the language level, and where artefacts go.

option(ASHLAR_BUILD_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(ASHLAR_BUILD_TOOLS "Build the command-line tool" ${PROJECT_IS_TOP_LEVEL})
option(ASHLAR_BUILD_BENCH "Build the benchmarks" OFF)
option(ASHLAR_BUILD_FUZZ "Build the libFuzzer targets (clang only)" OFF)
option(ASHLAR_INSTALL "Create install rules" ${PROJECT_IS_TOP_LEVEL})
option(ASHLAR_WERROR "Treat warnings as errors" ${PROJECT_IS_TOP_LEVEL})
option(ASHLAR_LTO "Optimise libashlar-malloc.so across files" OFF)
option(ASHLAR_COVERAGE "Instrument for gcov" OFF)
set(ASHLAR_SANITIZER "" CACHE STRING "Comma-separated sanitizers: address, thread, undefined, fuzzer")

# A sanitizer brings its own malloc, and gcov allocates while it writes its counters at exit, so
# the drop-in is built without either.
set(replace_default ON)
if(ASHLAR_SANITIZER OR ASHLAR_COVERAGE)
  set(replace_default OFF)
endif()
option(ASHLAR_BUILD_REPLACE "Build libashlar-malloc" ${replace_default})

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(PROJECT_IS_TOP_LEVEL)
  if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
  endif()
  set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
  set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")

  # A release carries debug information too: it costs nothing at run time, and a profile or a
  # crash report without line numbers is worth little. The shared libraries split it off.
  set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g -DNDEBUG")
  set(CMAKE_C_FLAGS_RELEASE "-O2 -g -DNDEBUG")

  find_program(CCACHE_PROGRAM ccache)
  if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_C_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
    set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
  endif()
endif()

# The checks of internal invariants follow NDEBUG, as assert does.
set(ASHLAR_DEBUG_CHECKS OFF)
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  set(ASHLAR_DEBUG_CHECKS ON)
endif()

if(ASHLAR_LTO)
  include(CheckIPOSupported)
  check_ipo_supported(RESULT ASHLAR_LTO_WORKS OUTPUT lto_reason LANGUAGES CXX)
  if(NOT ASHLAR_LTO_WORKS)
    message(STATUS "No link-time optimisation: ${lto_reason}")
  endif()
endif()
