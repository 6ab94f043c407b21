# SPDX-License-Identifier: MIT
# The warnings every file of the project compiles under: link `ashlar-warnings` to get them.

add_library(ashlar-warnings INTERFACE)
target_compile_options(
  ashlar-warnings
  INTERFACE -Wall
            -Wextra
            -Wconversion
            -Wshadow
            -Wundef
            $<$<BOOL:${ASHLAR_WERROR}>:-Werror>
            # Clang counts sign changes under -Wconversion, GCC does not; both shall say the same.
            $<$<CXX_COMPILER_ID:Clang>:-Wno-sign-conversion>
            $<$<CXX_COMPILER_ID:Clang>:-Wno-unknown-warning-option>
            # TSan under GCC warns about each fence, which the library uses on purpose.
            $<$<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:${ASHLAR_TSAN}>>:-Wno-tsan>)
