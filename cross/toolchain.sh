# To be sourced, with TARGET set: installs what a build for TARGET needs from packages, and sets
# what cargo must know of it. Leaves in
#   triple    the target as rustc names it
#   floor     the newest glibc that the program may ask of the device
#   cargo     the command that builds, without its options
#   out       the folder of the finished program
# shellcheck shell=bash

die() { echo "$0: $*" >&2; exit 1; }
. cross/need.sh

command -v apt-get >/dev/null || die "this works on Debian and its like; elsewhere use \`cross\`, see docs/cross.md"
[ "$(dpkg --print-architecture)" = amd64 ] || die "cross builds start from x86_64; on the device itself: cargo build --release"

case $TARGET in
  aarch64)          triple=aarch64-unknown-linux-gnu     debian=arm64 gnu=aarch64-linux-gnu   floor=2.34 ;;
  # Ubuntu 20.04 below JetPack 5.
  aarch64-jetpack5) triple=aarch64-unknown-linux-gnu     debian=arm64 gnu=aarch64-linux-gnu   floor=2.31 ;;
  armv7)            triple=armv7-unknown-linux-gnueabihf debian=armhf gnu=arm-linux-gnueabihf floor=2.34 ;;
  *) die "unknown TARGET $TARGET: aarch64, aarch64-jetpack5 or armv7" ;;
esac

dpkg --print-foreign-architectures | grep -qx "$debian" || {
  "${root_do[@]}" dpkg --add-architecture "$debian"
  refresh
}
case $debian in
  arm64) gcc=gcc-aarch64-linux-gnu libc=libc6-dev-arm64-cross ;;
  armhf) gcc=gcc-arm-linux-gnueabihf libc=libc6-dev-armhf-cross ;;
esac
# cargo-web and rustc-web are Debian's Rust of today; plain rustc is that of the release, which
# is too old. libclang reads the kernel's V4L2 headers; libasound2-dev is what is linked to.
need gcc libc6-dev pkg-config binutils libclang-dev "$gcc" "$libc" rustc-web cargo-web "libasound2-dev:$debian"

# Debian's own, in case rustup's come first in the path: those have no library for the target.
export PATH=/usr/bin:$PATH
export CARGO_TARGET_DIR=target/cross/$TARGET
tool=${triple//-/_}
upper=${tool^^}
export "CARGO_TARGET_${upper}_LINKER=$gnu-gcc" "CC_$tool=$gnu-gcc" "AR_$tool=$gnu-ar"
export PKG_CONFIG_ALLOW_CROSS=1
export "PKG_CONFIG_LIBDIR_$tool=/usr/lib/$gnu/pkgconfig:/usr/share/pkgconfig"
export "BINDGEN_EXTRA_CLANG_ARGS_$tool=-I/usr/$gnu/include"
cargo=(cargo build) options=(--target "$triple")
out=$CARGO_TARGET_DIR/$triple/${PROFILE:-release}

link_to_old_math() { # the version that every system of this class has
  local old=$PWD/$CARGO_TARGET_DIR/old-math
  mkdir -p "$old"
  "$gnu-gcc" -DOLDEST="$1" -c cross/old-math.S -o "$old/old-math.o"
  # By its name rustc knows that it takes what gcc takes.
  printf '#!/bin/sh\nexec /usr/bin/%s-gcc "%s/old-math.o" "$@" -Wl,--wrap=hypot,--wrap=hypotf\n' \
    "$gnu" "$old" >"$old/$gnu-gcc"
  chmod +x "$old/$gnu-gcc"
  export "CARGO_TARGET_${upper}_LINKER=$old/$gnu-gcc"
}

case $TARGET in
  aarch64)
    need libstd-rust-web-dev:arm64
    link_to_old_math GLIBC_2.17
    ;;
  aarch64-jetpack5)
    # zig brings the C library of any year; Debian's cross compiler only that of the release.
    need libstd-rust-web-dev:arm64 python3-venv
    zig=target/cross/zig
    [ -x "$zig/bin/cargo-zigbuild" ] || {
      python3 -m venv "$zig"
      "$zig/bin/pip" install --quiet -r cross/zig.txt
    }
    export PATH=$PWD/$zig/bin:$PATH
    unset "CC_$tool" "AR_$tool" "CARGO_TARGET_${upper}_LINKER"
    # Its bindgen would look for the kernel's headers under this name among zig's own.
    headers="BINDGEN_EXTRA_CLANG_ARGS_$triple=-I/usr/$gnu/include"
    cargo=(env "$headers" "${headers/_$triple/}" cargo zigbuild) options=(--target "$triple.$floor")
    # Debian's libasound is younger than the floor; the device brings its own.
    export "CARGO_TARGET_${upper}_RUSTFLAGS=-C link-arg=-Wl,--allow-shlib-undefined -L native=/usr/lib/$gnu"
    ;;
  armv7)
    # Debian has today's library for arm64 only, and the source of it for all.
    need rust-web-src
    link_to_old_math GLIBC_2.4
    export RUSTC_BOOTSTRAP=1
    options+=(-Zbuild-std=std,panic_abort)
    ;;
esac
