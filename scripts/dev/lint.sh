# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The checks that read the sources and run nothing.

# Runs one check; shows what it prints only where that matters.
check() {
  local name=$1
  shift
  if "$@"; then
    echo "ok    $name"
  else
    echo "FAIL  $name"
    lint_status=1
  fi
}

check_format() {
  local files
  mapfile -d '' -t files < <(git -C "$root" ls-files -z -- '*.cpp' '*.hpp' '*.c' '*.h')
  ((${#files[@]})) || return 0
  local wrong
  wrong=$(cd "$root" && clang-format --dry-run -Werror "${files[@]}" 2>&1 |
    sed -n 's/^\([^ :]*\):[0-9]*:[0-9]*: error: .*/\1/p' | sort -u)
  [[ -z $wrong ]] && return
  echo "$wrong"
  echo "to format them: clang-format -i FILE..."
  return 1
}

# Follows `source`, so the files of scripts/dev are read in the place where they are used.
check_shell() {
  (cd "$root" && shellcheck -x dev .ci/run)
}

# clang-tidy reads the flags of the debug tree, which has no link-time optimisation in them.
check_tidy() {
  configure debug || return
  (cd "$root" && run-clang-tidy -quiet -p build/debug -j "$(nproc)" \
    -extra-arg=-Wno-unknown-warning-option -extra-arg=-Wno-ignored-optimization-argument \
    'src/ashlar/.*')
}

lint() {
  lint_status=0
  check "format" check_format
  check "shell scripts" check_shell
  check "layers" python3 "$root/scripts/check_layers.py"
  check "macros" python3 "$root/scripts/check_macros.py"
  check "sizes" python3 "$root/scripts/check_size.py"
  check "licence lines" python3 "$root/scripts/check_spdx.py"
  check "headers" python3 "$root/scripts/check_headers.py"
  if [[ ${1:-} == --tidy ]]; then
    check "clang-tidy" check_tidy
  fi
  return "$lint_status"
}
