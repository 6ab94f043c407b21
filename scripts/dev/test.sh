# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Running ctest in one or several build trees, and adding up what came out.

passed=0
failed=0
skipped=0

# run_ctest PRESET [CTEST ARGS...]: shows ctest's output as it comes and adds to the totals.
run_ctest() {
  local preset=$1 output status total bad
  shift
  output="$root/build/$preset/ctest.log"
  (cd "$root" && ctest --preset "$preset" --parallel "$(nproc)" --timeout 600 "$@") \
    </dev/null 2>&1 | tee "$output"
  status=${PIPESTATUS[0]}

  total=$(sed -n 's/.* tests failed out of \([0-9]*\)$/\1/p' "$output")
  bad=$(sed -n 's/.* \([0-9]*\) tests failed out of .*/\1/p' "$output")
  if [[ -z $total ]]; then # ctest did not get as far as running tests
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
