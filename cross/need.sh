# To be sourced: installs what a script needs from Debian's packages.
# shellcheck shell=bash

root_do=(); [ "$(id -u)" = 0 ] || root_do=(sudo)

# Fetches the lists of packages. One that the mirror gives damaged, as while it is being copied,
# need not stop a build: what is missing because of it, the installation names.
refresh() {
  "${root_do[@]}" apt-get update -qq || echo "$0: not every list of packages came; going on with those that did" >&2
}

# Installs those of the named Debian packages that are missing.
need() {
  local package missing=()
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "installing ${missing[*]}" >&2
  refresh
  DEBIAN_FRONTEND=noninteractive "${root_do[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
