# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Running ctest in one or several build trees, and adding up what came out.

passed=0
failed=0
skipped=0

# add_cases LOG: a test of ctest may be a suite of many cases. Puts the cases into the totals, in the
# place of their suites: the last line of a suite tells of them (tests/support/run_suite.sh). Where
# that is missing, as after a crash of the runner or a timeout, the suite counts as one that failed.
add_cases() {
  local suites good ok bad left
  read -r suites good ok bad left < <(awk '
    /^cases: [0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ {
      suites += 1; good += $4 == 0; ok += $2; bad += $4; left += $6
    }
    END { print suites + 0, good + 0, ok + 0, bad + 0, left + 0 }' "$1")
  passed=$((passed + ok - good))
  failed=$((failed + bad - (suites - good)))
  skipped=$((skipped + left))
}

# run_ctest PRESET [CTEST ARGS...]: shows ctest's output as it comes and adds to the totals.
run_ctest() {
  local preset=$1 output status total bad jobs
  shift
  output="$root/build/$preset/ctest.log"
  jobs=$(($(nproc) + 1)) # there is always a test that sleeps
  (cd "$root" && ctest --preset "$preset" --parallel "$jobs" --timeout 600 \
    --test-output-size-passed 1000000 --test-output-size-failed 1000000 "$@") \
    </dev/null 2>&1 | tee "$output"
  status=${PIPESTATUS[0]}

  total=$(sed -n 's/.* tests failed out of \([0-9]*\)$/\1/p' "$output")
  bad=$(sed -n 's/.* \([0-9]*\) tests failed out of .*/\1/p' "$output")
  if [[ -n $total ]]; then
    add_cases "$root/build/$preset/Testing/Temporary/LastTest.log"
  else # ctest did not get as far as running tests
    total=1 bad=1
  fi
  local left_out
  left_out=$(grep -c '\*\*\*Skipped' "$output" || true)
  skipped=$((skipped + left_out))
  failed=$((failed + bad))
  passed=$((passed + total - bad - left_out))
  return "$status"
}

# test_preset PRESET [CTEST ARGS...]: builds the tests of a preset and runs them.
test_preset() {
  local preset=$1 tests=ON
  shift
  # The fuzz tree holds the fuzzers alone: they are tests of their own.
  if [[ $preset == fuzz ]]; then tests=OFF; fi
  begin_build
  if ! { configure "$preset" -DASHLAR_BUILD_TESTS="$tests" && build "$preset"; }; then
    failed=$((failed + 1))
    return 1
  fi
  # Tests take long and build nothing: another ./dev may go on.
  end_build
  run_ctest "$preset" "$@"
}

print_totals() {
  local line="$passed passed, $failed failed"
  if ((skipped)); then line+=", $skipped skipped"; fi
  echo "$line"
}
