#!/usr/bin/env bash
# usage: test-arm64.sh [tests] [clip]
# Runs on an emulated 64-bit ARM processor the library's unit tests, the reference vectors of both
# front ends and of both engines, the delegate of our own, and the shipped clip through each engine,
# whose events must be those of this machine. `make test-arm64` calls this.
#   NATIVE  this machine's program; else it is built
#   HOP     pause between two looks at the clip in TensorFlow Lite, in seconds (0.96)
#
# Emulated floating-point code is some 25 times slower, so that there are fewer looks at the clip.
# One in tract takes half a minute to one and a half: it gets the clip's first 14 seconds, every
# 2 s.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- tests clip
TARGET=aarch64
. cross/toolchain.sh
need qemu-user-static ffmpeg python3

# The Raspberry Pi 4's: both engines choose their inner loops by what the processor can do.
export QEMU_CPU=${QEMU_CPU:-cortex-a72}
# With libc6:arm64 installed, as libasound2-dev:arm64 brings it, the emulator must not be given
# another root: two C libraries in one process hang its threads.
export "CARGO_TARGET_${upper}_RUNNER=qemu-aarch64-static"
work=$CARGO_TARGET_DIR/clip
mkdir -p "$work"

# The release profile: its dependencies are those of the program, and emulated it is quicker. Left
# out is what the emulator answers otherwise than a kernel: how it refuses a program that is not
# there, and how much memory the process has.
tests() {
  cargo test --release --locked --target "$triple" --lib -- \
    --skip of_a_file::a_missing_program_is_named --skip host::tests::this_process_is_seen
  cargo test --release --locked --target "$triple" --test signal_vectors --test evaluate_vectors --test encoders --test tflite --test delegate
}

events() { # ENGINE FILM LIBRARIES COMMAND...
  local engine=$1 film=$2 libraries=$3
  shift 3
  LD_LIBRARY_PATH=target/tflite/$libraries "$@" replay "$film" --fast --json --engine "$engine" --config "$work/tyto.toml"
}

same() { # ENGINE FILM HOP
  local engine=$1 film=$2 hop=$3
  echo "$engine, $film, a look every $hop s, $QEMU_CPU:"
  printf '[perception]\nhop_s = %s\n' "$hop" >"$work/tyto.toml"
  events "$engine" "$film" x86_64 "$native" >"$work/native-$engine.jsonl"
  events "$engine" "$film" aarch64 qemu-aarch64-static "$out/tyto" >"$work/arm64-$engine.jsonl"
  python3 cross/same_events.py "$work/native-$engine.jsonl" "$work/arm64-$engine.jsonl"
}

clip() {
  cross/build.sh aarch64
  cross/tflite.sh x86_64
  cross/tflite.sh aarch64
  local native=${NATIVE:-target/release/tyto}
  [ -n "${NATIVE:-}" ] || CARGO_TARGET_DIR=target cargo build --release --locked --bin tyto
  same tflite tests/clips/farm.mp4 "${HOP:-0.96}"
  ffmpeg -v error -y -i tests/clips/farm.mp4 -t 14 -c copy "$work/farm-14s.mp4"
  same tract "$work/farm-14s.mp4" 2.0
}

for part; do
  case $part in
    tests | clip) $part ;;
    *) die "$part: tests or clip" ;;
  esac
done
