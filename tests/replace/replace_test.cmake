# SPDX-License-Identifier: MIT
# How a program of this folder is built and registered.

# The compiler must not reason from what it knows of malloc and new; and programs here do what it
# warns about: sizes that cannot be, blocks that are never used.
add_library(replace-test-flags INTERFACE)
target_compile_options(replace-test-flags INTERFACE -fno-builtin -Wno-alloc-size-larger-than
                                                    $<$<CXX_COMPILER_ID:GNU>:-fno-allocation-dce>)
target_include_directories(replace-test-flags INTERFACE "${PROJECT_SOURCE_DIR}/tests")
target_link_libraries(replace-test-flags INTERFACE ashlar-warnings Threads::Threads ${CMAKE_DL_LIBS})

# ashlar_replace_test(NAME [HOW preload|shared|static ...] [OPTIONS text] [SERIAL] [TIMEOUT seconds]
#                     [LIBRARY target] [ARGUMENTS ...])
# Builds NAME.cpp of the current folder and registers a test for each HOW (default: all three).
# LIBRARY is linked besides.
function(ashlar_replace_test name)
  cmake_parse_arguments(PARSE_ARGV 1 test "SERIAL" "OPTIONS;TIMEOUT;LIBRARY" "HOW;ARGUMENTS")
  if(NOT test_HOW)
    set(test_HOW preload shared static)
  endif()
  if(NOT test_TIMEOUT)
    set(test_TIMEOUT 120)
  endif()
  get_filename_component(folder "${CMAKE_CURRENT_SOURCE_DIR}" NAME)
  set(objects replace-${folder}-${name}-objects)
  add_library(${objects} OBJECT ${name}.cpp)
  target_link_libraries(${objects} PRIVATE replace-test-flags ${test_LIBRARY})

  foreach(how IN LISTS test_HOW)
    set(program replace-${folder}-${name}-${how})
    add_executable(${program} $<TARGET_OBJECTS:${objects}>)
    target_link_libraries(${program} PRIVATE Threads::Threads ${CMAKE_DL_LIBS} ${test_LIBRARY})
    set_target_properties(${program} PROPERTIES LINKER_LANGUAGE CXX RUNTIME_OUTPUT_DIRECTORY
                                                "${CMAKE_CURRENT_BINARY_DIR}")
    set(environment "")
    if(how STREQUAL "preload")
      set(environment "LD_PRELOAD=$<TARGET_FILE:ashlar-malloc>")
    elseif(how STREQUAL "shared")
      target_link_libraries(${program} PRIVATE ashlar::malloc)
    else()
      target_link_libraries(${program} PRIVATE ashlar::malloc_static)
    endif()
    if(test_OPTIONS)
      list(APPEND environment "ASHLAR_OPTIONS=${test_OPTIONS}")
    endif()
    set(test replace.${folder}.${name}.${how})
    add_test(NAME ${test} COMMAND ${program} ${test_ARGUMENTS})
    set_tests_properties(${test} PROPERTIES LABELS replace TIMEOUT ${test_TIMEOUT}
                                            ENVIRONMENT "${environment}"
                                            RUN_SERIAL $<BOOL:${test_SERIAL}>)
  endforeach()
endfunction()

# ashlar_looking_test(NAME PROGRAM)
# Builds PROGRAM.cpp of the current folder, which knows nothing of ashlar, and registers NAME.py,
# which runs it and looks.
function(ashlar_looking_test name program)
  get_filename_component(folder "${CMAKE_CURRENT_SOURCE_DIR}" NAME)
  set(target replace-${folder}-${program})
  add_executable(${target} ${program}.cpp)
  target_link_libraries(${target} PRIVATE replace-test-flags Threads::Threads)
  target_compile_options(${target} PRIVATE -O1 -fno-optimize-sibling-calls)
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
  add_test(NAME replace.${folder}.${name}
           COMMAND ${Python3_EXECUTABLE} -B "${CMAKE_CURRENT_SOURCE_DIR}/${name}.py"
                   $<TARGET_FILE:ashlar-malloc> $<TARGET_FILE:${target}>)
  set_tests_properties(replace.${folder}.${name} PROPERTIES LABELS replace TIMEOUT 120)
endfunction()
