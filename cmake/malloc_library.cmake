# SPDX-License-Identifier: MIT
# libashlar-malloc, the drop-in malloc: `ashlar-malloc` (shared) and `ashlar-malloc-static`.
#
# Included from src/ashlar/CMakeLists.txt, whose source lists it uses.

# The compiler knows what malloc does and would, say, turn malloc and memset inside our calloc into
# a call of calloc. Nor may it make one of two equal functions a jump to the other: that is one
# instruction more for operator delete[]. These files are also kept out of link-time optimisation, which forgets the flag.
#
# What malloc and operator new jump to begins a cache line. In a thread that is sampled each of them jumps once, to what
# counts (docs/decisions/0020): into the middle of a line that other code begins that took five cycles, and so one.
#
# Where each realloc of a sampled thread passes, a struct of two words that came in registers is not to be copied as a
# vector: the two stores that it is read back from must have left the processor by then, and with them all stores
# before, those of the program to far memory, too.
function(ashlar_add_replace_objects name)
  ashlar_add_objects(${name} ${ARGN})
  target_compile_options(${name} PRIVATE -fno-builtin $<$<CXX_COMPILER_ID:GNU>:-fno-ipa-icf>)
endfunction()

ashlar_add_replace_objects(ashlar-replace ${replace_sources})
set_source_files_properties(replace/malloc.cpp replace/new_delete.cpp
                            PROPERTIES COMPILE_OPTIONS $<$<CXX_COMPILER_ID:GNU>:-falign-jumps=64>)
set_source_files_properties(replace/sampled_heap.cpp
                            PROPERTIES COMPILE_OPTIONS -fno-tree-slp-vectorize)

# --- shared ---------------------------------------------------------------------------------------

set(shared_core ashlar-core)
if(ASHLAR_LTO_WORKS)
  ashlar_add_objects(ashlar-core-lto ${core_sources})
  set_target_properties(ashlar-core-lto PROPERTIES INTERPROCEDURAL_OPTIMIZATION ON)
  set(shared_core ashlar-core-lto)
endif()

add_library(ashlar-malloc SHARED $<TARGET_OBJECTS:${shared_core}> $<TARGET_OBJECTS:ashlar-replace>)
add_library(ashlar::malloc ALIAS ashlar-malloc)
ashlar_describe_library(ashlar-malloc)
ashlar_harden_shared_library(ashlar-malloc)
set_target_properties(ashlar-malloc PROPERTIES EXPORT_NAME malloc INTERPROCEDURAL_OPTIMIZATION
                                                                  ${ASHLAR_LTO})

# It serves malloc before libstdc++ is up, and C programs that have no libstdc++ at all: libc and the
# compiler's arithmetic helpers are all it may use. It stays loaded until the process ends, since
# blocks outlive any dlclose.
target_link_options(
  ashlar-malloc PRIVATE -nodefaultlibs LINKER:-z,nodelete
                        LINKER:--version-script=${PROJECT_SOURCE_DIR}/cmake/malloc.map)
set_target_properties(ashlar-malloc PROPERTIES LINK_DEPENDS "${PROJECT_SOURCE_DIR}/cmake/malloc.map")
target_link_libraries(ashlar-malloc PRIVATE -lc -lgcc)

# A program that calls malloc only through other libraries must keep the dependency.
target_link_options(ashlar-malloc INTERFACE LINKER:--no-as-needed)

find_program(ASHLAR_READELF readelf)
if(ASHLAR_READELF)
  add_custom_command(
    TARGET ashlar-malloc
    POST_BUILD
    COMMAND ${CMAKE_COMMAND} -DREADELF=${ASHLAR_READELF} -DLIBRARY=$<TARGET_FILE:ashlar-malloc> -P
            "${PROJECT_SOURCE_DIR}/cmake/check_needed.cmake"
    VERBATIM)
endif()

# --- static ---------------------------------------------------------------------------------------

# All of it is one archive member with its internals made local, the interface of libashlar too. One
# member, because whoever takes malloc must take free, operator new and the rest with it: half a
# replacement mixes two heaps. Local, so that a program may link libashlar.a as well.
set(malloc_object "${CMAKE_CURRENT_BINARY_DIR}/ashlar-malloc.o")
add_custom_command(
  OUTPUT "${malloc_object}"
  COMMAND ${CMAKE_CXX_COMPILER} -nostdlib -r -Wl,--force-group-allocation -o "${malloc_object}"
          "$<TARGET_OBJECTS:ashlar-core>" "$<TARGET_OBJECTS:ashlar-replace>"
  COMMAND ${CMAKE_OBJCOPY} --localize-hidden --wildcard --localize-symbol=_ZN6ashlar*
          --localize-symbol=_ZNK6ashlar* "${malloc_object}"
  DEPENDS "$<TARGET_OBJECTS:ashlar-core>" "$<TARGET_OBJECTS:ashlar-replace>"
  COMMAND_EXPAND_LISTS VERBATIM
  COMMENT "Joining libashlar-malloc into one object")
set_source_files_properties("${malloc_object}" PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)

add_library(ashlar-malloc-static STATIC "${malloc_object}")
add_library(ashlar::malloc_static ALIAS ashlar-malloc-static)
ashlar_describe_library(ashlar-malloc-static)
set_target_properties(ashlar-malloc-static PROPERTIES OUTPUT_NAME ashlar-malloc
                                                      EXPORT_NAME malloc_static)
# The member must come in even when only shared libraries call malloc.
target_link_options(ashlar-malloc-static INTERFACE LINKER:-u,malloc)
