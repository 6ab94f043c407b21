# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Debian packages: finds which are missing, installs them as root, asks for them otherwise.

# Prints the packages of the named sections of scripts/packages.txt.
packages_of() {
  local section
  for section in "$@"; do
    awk -v want="[$section]" '
      /^#/ || NF == 0 { next }
      /^\[/ { inside = ($1 == want); next }
      inside { print $1 }' "$root/scripts/packages.txt"
  done | sort -u
}

# Prints those of the named packages that are not installed. One query for all of them.
missing_packages() {
  # A package the database has never heard of makes dpkg-query fail, which is an answer here.
  { dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true; } |
    awk -v wanted="$*" '
      $1 == "installed" { have[$2] = 1 }
      END { n = split(wanted, names, " ")
            for (i = 1; i <= n; i++) if (!(names[i] in have)) print names[i] }'
}

install_packages() {
  local command=(apt-get install -y --no-install-recommends "$@")
  # A fresh machine or container has no package lists; old ones may name files that are gone.
  if ! compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null; then
    apt-get update || return
  fi
  DEBIAN_FRONTEND=noninteractive "${command[@]}" ||
    { apt-get update && DEBIAN_FRONTEND=noninteractive "${command[@]}"; }
}

# Makes sure that the packages of the named sections are there, or ends the script.
need_packages() {
  local names missing
  mapfile -t names < <(packages_of "$@")
  mapfile -t missing < <(missing_packages "${names[@]}")
  ((${#missing[@]})) || return 0

  if ((EUID != 0)); then
    say "missing packages; please type:"
    echo "sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
    exit 2
  fi
  say "installing ${missing[*]}"
  if ! install_packages "${missing[@]}" </dev/null >>"$log" 2>&1; then
    tail -n 20 "$log" >&2
    fail "could not install the packages above (all of the output: $log)"
  fi
}
