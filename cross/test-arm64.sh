#!/usr/bin/env bash
# usage: test-arm64.sh
# Runs on an emulated 64-bit ARM processor what could differ there: the library's unit tests of
# what computes, the reference vectors of both front ends, and the shipped clip, whose events
# must be those of this machine. `make test-arm64` calls this.
#
# Emulated floating-point code is some 25 times slower: soak, pipeline and socket tests stay
# out, as they try nothing that the processor decides.
set -euo pipefail
cd "$(dirname "$0")/.."
TARGET=aarch64 PROFILE=debug
. cross/toolchain.sh
need qemu-user-static ffmpeg python3

# With libc6:arm64 installed, as libasound2-dev:arm64 brings it, the emulator must not be given
# another root: two C libraries in one process hang its threads.
export "CARGO_TARGET_${upper}_RUNNER=qemu-aarch64-static"
cargo test --locked --target "$triple" --lib -- align:: geometry signal:: track:: event config
cargo test --locked --target "$triple" --test signal_vectors --test evaluate_vectors

cargo build --release --locked --target "$triple" --bin tyto
work=$CARGO_TARGET_DIR/clip
mkdir -p "$work"
native=${NATIVE:-target/release/tyto}
[ -x "$native" ] || CARGO_TARGET_DIR=target cargo build --release --locked --bin tyto
"$native" replay tests/clips/farm.mp4 --fast >"$work/native.jsonl"
qemu-aarch64-static "$CARGO_TARGET_DIR/$triple/release/tyto" replay tests/clips/farm.mp4 --fast >"$work/arm64.jsonl"
python3 cross/same_events.py "$work/native.jsonl" "$work/arm64.jsonl"
