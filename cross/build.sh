#!/usr/bin/env bash
# usage: build.sh [aarch64|aarch64-jetpack5|armv7]
# Builds Tyto for another machine on Debian x86_64, and holds the program to what the oldest
# system of that class has. `make cross` calls this; docs/cross.md tells the rest.
set -euo pipefail
cd "$(dirname "$0")/.."
TARGET=${1:-aarch64}
. cross/toolchain.sh

"${cargo[@]}" --profile "${PROFILE:-release}" --locked --bin tyto "${options[@]}"
cross/floor.sh "$out/tyto" "$floor"
echo "program: $out/tyto"
