# SPDX-License-Identifier: MIT
# How the library's own code is found, compiled and described to those who link it.

# What malloc needs: all of libashlar-malloc but replace/, and a part of libashlar.
set(ASHLAR_CORE_FOLDERS base os structure hardening observe observe/table observe/unwind manager
                        manager/source heap)

# What only users of the library need: the rest of libashlar.
set(ASHLAR_LIBRARY_FOLDERS manager/arena manager/pool manager/fit manager/offset manager/compose
                           manager/check container report)

# The folders of os/ that serve the target system; each platform file holds no other platform.
set(ASHLAR_OS_FOLDERS_Linux os/posix os/linux)

# Sets `result` to the sources that lie directly in the given folders.
function(ashlar_collect_sources result)
  list(TRANSFORM ARGN APPEND "/*.cpp")
  file(GLOB sources CONFIGURE_DEPENDS ${ARGN})
  set(${result} ${sources} PARENT_SCOPE)
endfunction()

# How code that may serve malloc is compiled.
#   -fno-threadsafe-statics  the guard functions live in libstdc++; nothing here needs a guard
#   -ftls-model=initial-exec thread-locals are one load off the thread register, and first use
#                            never calls the loader, which may call malloc
#   -fno-gnu-unique          libashlar.a and libashlar-malloc.a can be linked into one program
#   -fno-plt                 calls into libc go through the table bound at load time
add_library(ashlar-core-flags INTERFACE)
target_compile_options(
  ashlar-core-flags
  INTERFACE -fno-exceptions
            -fno-rtti
            -fno-threadsafe-statics
            -fvisibility=hidden
            -fvisibility-inlines-hidden
            -fno-semantic-interposition
            -ftls-model=initial-exec
            -fno-plt
            $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>
            -fno-stack-protector
            $<$<STREQUAL:${CMAKE_SYSTEM_PROCESSOR},x86_64>:-fcf-protection=none>)

# Adds an object library of core code.
function(ashlar_add_objects name)
  add_library(${name} OBJECT ${ARGN})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_include_directories(${name} PUBLIC "${PROJECT_SOURCE_DIR}/src" "${ASHLAR_GENERATED_DIR}")
  target_link_libraries(${name} PRIVATE ashlar-core-flags ashlar-warnings)
endfunction()

# Gives a library what its users need: the include folders and the language level.
function(ashlar_describe_library name)
  target_include_directories(
    ${name} INTERFACE "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>"
                      "$<BUILD_INTERFACE:${ASHLAR_GENERATED_DIR}>"
                      "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
  target_compile_features(${name} INTERFACE cxx_std_20)
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX)
endfunction()

# Links a shared library with the loader's protections on and moves its debug information into
# a file beside it (gdb and perf find it by the link, and the library stays small).
function(ashlar_harden_shared_library name)
  target_link_options(${name} PRIVATE LINKER:-z,now LINKER:-z,relro)
  if(NOT ASHLAR_SANITIZER)
    target_link_options(${name} PRIVATE LINKER:-z,defs)
  endif()
  set_target_properties(${name} PROPERTIES VERSION ${PROJECT_VERSION}
                                           SOVERSION ${PROJECT_VERSION_MAJOR})
  if(CMAKE_BUILD_TYPE STREQUAL "Release" AND CMAKE_OBJCOPY)
    add_custom_command(
      TARGET ${name}
      POST_BUILD
      COMMAND ${CMAKE_OBJCOPY} --only-keep-debug $<TARGET_FILE:${name}> $<TARGET_FILE:${name}>.debug
      COMMAND ${CMAKE_OBJCOPY} --strip-debug --add-gnu-debuglink=$<TARGET_FILE:${name}>.debug
              $<TARGET_FILE:${name}>
      VERBATIM)
  endif()
endfunction()
