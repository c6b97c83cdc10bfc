#!/usr/bin/env bash
# usage: image.sh BOARD [PACKAGE] [SETUP]
# Makes target/image/tyto-BOARD.img.zst, an SD card's image; `make image` calls this. Needs
# Debian packages (installed when they are missing) and the right to install them.
set -euo pipefail
cd "$(dirname "$0")/.."
board=${1:-} package=${2:-} setup=${3:-board/image/setup.example} out=target/image
. cross/need.sh
die() { printf 'image: %s\n  %s\n' "$1" "$2" >&2; exit 1; }

case $board in
  rpi3 | rpi4 | rpi-zero2w) ;;
  *) [ -e "board/$board.toml" ] ||
      die "${board:-(no board)}: no such board profile" "BOARD is rpi3, rpi4 or rpi-zero2w"
    die "$board: Debian 12 does not start it" "put the vendor's system on the card, then \`make flash BOARD=$board HOST=user@device\`" ;;
esac
[ -r "$setup" ] || die "$setup: no such file" "SETUP names a file such as board/image/setup.example"
[ -n "$package" ] || package=$(board/package.sh arm64 "$board")
[ -r "$package" ] || die "${package:-no package}: no such file" "make deb ARCH=arm64"
[ "$(dpkg-deb -f "$package" Architecture)" = arm64 ] ||
  die "$package: is for $(dpkg-deb -f "$package" Architecture)" "make deb ARCH=arm64"

need mmdebstrap qemu-user-static arch-test mtools dosfstools e2fsprogs fdisk zstd

mkdir -p $out
"${root_do[@]}" tests/rig/mk-binfmt
echo "system:  $out/root (minutes, the first time)"
"${root_do[@]}" board/image/mk-root $out/root
echo "image:   $out/tyto-$board.img, $package"
"${root_do[@]}" board/image/mk-image $out/root "$board" "$package" "$setup" "$out/tyto-$board.img"
[ -O "$out/tyto-$board.img" ] || "${root_do[@]}" chown "$(id -u)" "$out/tyto-$board.img"
zstd -q -f -T0 "$out/tyto-$board.img" -o "$out/tyto-$board.img.zst"
ls -l "$out/tyto-$board.img.zst"
