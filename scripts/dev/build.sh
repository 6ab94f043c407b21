# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Configuring and building a preset: quietly, one progress line, everything else in the log.

# Shows ninja's "[3/80] ..." lines from stdin as one line that moves, and logs all of them.
show_progress() {
  local title=$1 line
  [[ -t 2 ]] || say "$title (log: $log)"
  while IFS= read -r line; do
    printf '%s\n' "$line" >>"$log"
    if [[ -t 2 && $line =~ ^\[[0-9]+/[0-9]+\] ]]; then
      printf '\r\033[Kashlar: %s %s' "$title" "${BASH_REMATCH[0]}" >&2
    fi
  done
  if [[ -t 2 ]]; then printf '\r\033[K' >&2; fi
}

show_failure() {
  grep -E -A6 'FAILED:|[Ee]rror' "$log" | tail -n 40 >&2
  say "$1 (all of the output: $log)"
  return 1
}

# configure PRESET [-D...]: runs CMake where it has not run, or where a setting differs.
configure() {
  local preset=$1 setting name differs=
  shift
  local cache="$root/build/$preset/CMakeCache.txt"
  for setting in "$@"; do
    name=${setting#-D}
    grep -qs "^${name%%=*}:[A-Z]*=${name#*=}\$" "$cache" || differs=yes
  done
  [[ -z $differs && -e $root/build/$preset/build.ninja ]] && return 0
  (cd "$root" && cmake --preset "$preset" "$@") </dev/null >>"$log" 2>&1 ||
    show_failure "could not configure preset $preset"
}

# build PRESET [TARGET...]: builds with as many jobs as there are processors.
build() {
  local preset=$1 target
  shift
  local command=(cmake --build "$root/build/$preset" --parallel "$(nproc)")
  for target in "$@"; do command+=(--target "$target"); done
  "${command[@]}" </dev/null 2>&1 | show_progress "building $preset" ||
    show_failure "could not build preset $preset"
}

# Starts a new log and keeps a second ./dev in the same checkout waiting until this one is done.
begin_build() {
  mkdir -p "$root/build"
  exec 9>"$root/build/dev.lock"
  flock 9
  : >"$log"
}

end_build() { exec 9>&-; }

# True where nothing the tool and the drop-in are made of is newer than their last build. Folders
# are compared too, so a removed file counts.
is_fresh() {
  local stamp=$1
  shift
  [[ -e $stamp ]] || return 1
  [[ -z $(find "$@" -newer "$stamp" -print -quit) ]]
}
