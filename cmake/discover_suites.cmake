# SPDX-License-Identifier: MIT
# Tests of ctest out of a GoogleTest program: one for each suite, so that a failure names its subject.
#
# CMake's own gtest_discover_tests makes one of each case. There are thousands of cases that take a
# millisecond each, and starting the program takes forty; a suite at a time, they share the start.

# ashlar_discover_suites(TARGET LABEL label TIMEOUT seconds [PREFIX prefix] [FILTER gtest-pattern]
#                        [FIRST suite...])
# Registers `prefix.suite` for each suite; the prefix is the label, unless another is given. The suites
# after FIRST take long and are to start first.
function(ashlar_discover_suites target)
  cmake_parse_arguments(PARSE_ARGV 1 discover "" "LABEL;TIMEOUT;PREFIX;FILTER" "FIRST")
  if(NOT discover_FILTER)
    set(discover_FILTER "*")
  endif()
  if(NOT discover_PREFIX)
    set(discover_PREFIX ${discover_LABEL})
  endif()
  set(tests "${CMAKE_CURRENT_BINARY_DIR}/${target}_suites.cmake")
  add_custom_command(
    TARGET ${target}
    POST_BUILD
    BYPRODUCTS "${tests}"
    COMMAND
      ${CMAKE_COMMAND} "-DPROGRAM=$<TARGET_FILE:${target}>"
      "-DRUNNER=${PROJECT_SOURCE_DIR}/tests/support/run_suite.sh" "-DPREFIX=${discover_PREFIX}"
      "-DLABEL=${discover_LABEL}"
      "-DTIMEOUT=${discover_TIMEOUT}" "-DFILTER=${discover_FILTER}" "-DFIRST=${discover_FIRST}"
      "-DOUTPUT=${tests}" -P "${PROJECT_SOURCE_DIR}/cmake/list_suites.cmake"
    VERBATIM)
  # A program that is not built must not look like one that has no tests.
  set(include "${CMAKE_CURRENT_BINARY_DIR}/${target}_include.cmake")
  file(WRITE "${include}" "if(EXISTS \"${tests}\")\n  include(\"${tests}\")\nelse()\n"
                          "  add_test(${target}_NOT_BUILT ${target}_NOT_BUILT)\nendif()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${include}")
endfunction()
