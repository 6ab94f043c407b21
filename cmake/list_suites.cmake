# SPDX-License-Identifier: MIT
# Writes a test for each suite of a GoogleTest program, after it is built (discover_suites.cmake):
#   cmake -DPROGRAM=.. -DRUNNER=.. -DPREFIX=.. -DLABEL=.. -DTIMEOUT=.. -DFILTER=.. -DFIRST=..
#         -DOUTPUT=.. -P this
cmake_minimum_required(VERSION 3.25)

execute_process(
  COMMAND "${PROGRAM}" --gtest_list_tests "--gtest_filter=${FILTER}"
  OUTPUT_VARIABLE listing
  TIMEOUT 60 COMMAND_ERROR_IS_FATAL ANY)

# The listing is a line "suite." and then a line "  case" for each of its cases; a comment may follow.
string(REGEX REPLACE "[;[]" "_" listing "${listing}")
string(REPLACE "\n" ";" lines "${listing}")
set(suites "")
foreach(line IN LISTS lines)
  if(line MATCHES "^([^ ]+)\\.( |$)")
    set(suite "${CMAKE_MATCH_1}")
    list(APPEND suites "${suite}")
    set(cases_${suite} "")
  elseif(line MATCHES "^  ([^ ]+)")
    set(case "${CMAKE_MATCH_1}")
    if(NOT case MATCHES "^DISABLED_")
      list(APPEND cases_${suite} "${suite}.${case}")
    endif()
  endif()
endforeach()
if(NOT suites)
  message(FATAL_ERROR "${PROGRAM} has no tests that match ${FILTER}")
endif()

set(tests "")
foreach(suite IN LISTS suites)
  list(LENGTH cases_${suite} count)
  if(count EQUAL 0)
    continue() # all of it is disabled
  endif()
  set(filter "${suite}.*")
  if(NOT FILTER STREQUAL "*")
    list(JOIN cases_${suite} ":" filter)
  endif()
  set(cost 0)
  if(suite IN_LIST FIRST)
    set(cost 100)
  endif()
  set(name "${PREFIX}.${suite}")
  string(APPEND tests
         "add_test([==[${name}]==] \"${RUNNER}\" \"${PROGRAM}\" \"${filter}\" ${count})\n"
         "set_tests_properties([==[${name}]==] PROPERTIES LABELS ${LABEL} TIMEOUT ${TIMEOUT}"
         " COST ${cost})\n")
endforeach()
file(WRITE "${OUTPUT}" "${tests}")
