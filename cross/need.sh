# To be sourced: installs what a script needs from Debian's packages.
# shellcheck shell=bash

root_do=(); [ "$(id -u)" = 0 ] || root_do=(sudo)

# Installs those of the named Debian packages that are missing.
need() {
  local package missing=()
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "installing ${missing[*]}" >&2
  "${root_do[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${root_do[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
