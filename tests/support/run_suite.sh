#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs cases of a GoogleTest program and counts them: run_suite.sh PROGRAM FILTER CASES
#
# An exit status of 0 also comes from a program that ends early with it, or runs no case at all. So
# all CASES must have passed or been skipped. The last line says how many; ./dev adds these lines up.

{
  "$1" --gtest_filter="$2" --gtest_color=no
  printf '\nexit status %d\n' "$?"
} | awk -v wanted="$3" '
  { print }
  /^\[  PASSED  \] [0-9]+ tests?\./ { passed = $4 }
  /^\[  SKIPPED \] [0-9]+ tests?, listed below/ { skipped = $4 }
  /^exit status / { status = $3 }
  END {
    failed = wanted - passed - skipped
    if (status != 0 && failed == 0) { # after the last case: a leak, say
      failed = 1
      if (passed > 0) passed -= 1
    }
    printf "cases: %d passed, %d failed, %d skipped\n", passed, failed, skipped
    exit failed != 0
  }'
