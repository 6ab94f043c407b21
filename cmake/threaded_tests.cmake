# SPDX-License-Identifier: MIT
# Which tests ThreadSanitizer has something to say about: those that start threads.

# Sets `result` to whether a source or a header of the tests starts threads: itself, or by a header of
# the tests that it includes, or by the source file that belongs to such a header.
function(ashlar_starts_threads file result)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
  file(STRINGS "${file}" starts REGEX "std::j?thread[^_]|std::async|pthread_create")
  file(STRINGS "${file}" includes REGEX "^#include \"")
  foreach(line IN LISTS includes)
    string(REGEX REPLACE "^#include \"(.*)\\.hpp\".*" "\\1" name "${line}")
    foreach(part IN ITEMS "${name}.hpp" "${name}.cpp")
      if(NOT starts AND EXISTS "${PROJECT_SOURCE_DIR}/tests/${part}"
         AND NOT file STREQUAL "${PROJECT_SOURCE_DIR}/tests/${part}")
        ashlar_starts_threads("${PROJECT_SOURCE_DIR}/tests/${part}" starts)
      endif()
    endforeach()
  endforeach()
  if(starts)
    set(starts TRUE)
  endif()
  set(${result} "${starts}" PARENT_SCOPE)
endfunction()

# In the ThreadSanitizer tree, takes the sources of tests that start no threads out of a list.
function(ashlar_keep_threaded list)
  if(NOT ASHLAR_TSAN)
    return()
  endif()
  set(threaded "")
  foreach(file IN LISTS ${list})
    ashlar_starts_threads("${file}" starts)
    if(starts)
      list(APPEND threaded "${file}")
    endif()
  endforeach()
  set(${list} ${threaded} PARENT_SCOPE)
endfunction()
