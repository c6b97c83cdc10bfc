#!/usr/bin/env bash
# usage: package.sh ARCH BOARD
# Prints the path of the newest package for a board, and makes one if there is none.
set -euo pipefail
cd "$(dirname "$0")/.."
arch=$1 board=$2
newest() {
  find target/deb target/deb/"$board" -maxdepth 1 -name "tyto_*_$arch.deb" -printf '%T@ %p\n' 2>/dev/null |
    sort -n | tail -n 1 | cut -d' ' -f2- || true
}
package=$(newest)
[ -n "$package" ] || { make -s deb ARCH="$arch" BOARD="$board" >&2; package=$(newest); }
[ -n "$package" ] || { echo "no package for $arch in target/deb" >&2; exit 1; }
realpath "$package"
