#!/usr/bin/env bash
# Fetches the library of ONNX Runtime that computes on the CPU, for an architecture:
#
#   cross/onnxruntime.sh [x86_64|aarch64] [FOLDER]      (this machine's; target/onnxruntime/ARCH)
#
# Version 1.23.2, MIT, glibc 2.27 or later, out of the wheel of onnxruntime. For a GPU take the
# library that its maker offers for the board: docs/engines.md.
set -euo pipefail
cd "$(dirname "$0")/.."
. cross/from-wheel.sh

arch=${1:-$(uname -m)}
case $arch in
  x86_64) sha256=718c3fb0785d5ea06061b92c32ce4ad35be1bd4c71ae6192efe06f1ab21f0f8a ;;
  aarch64) sha256=ab8c4363e06ac80b3d1279ea55ebea44e906c5b131ba783ff684a067540c0e94 ;;
  *) echo "no library of ONNX Runtime is known for $arch: x86_64, aarch64" >&2; exit 2 ;;
esac
from_wheel onnxruntime==1.23.2 "manylinux_2_27_$arch" onnxruntime/capi/libonnxruntime.so.1.23.2 \
  $sha256 "${2:-target/onnxruntime/$arch}/libonnxruntime.so"
