#!/usr/bin/env bash
# usage: instructions.sh PACKAGE [PROCESSOR...]
# Counts the instructions that each encoder takes for one run on emulated 64-bit ARM processors
# (cortex-a53 as in the Raspberry Pi 3, -a72 as in the 4, -a76 as in the 5), in both engines,
# with the .deb PACKAGE. The emulated clock moves a nanosecond an instruction, so what
# `tyto check` prints as milliseconds are millions of instructions. They say how two engines
# compare on one processor, not how long a look takes.
set -euo pipefail
cd "$(dirname "$0")/.."
package=$1
shift
[ $# -gt 0 ] || set -- cortex-a53 cortex-a72 cortex-a76
work=target/rig/arm64

# File system and kernel of the rig's board.
. cross/need.sh
need mmdebstrap qemu-system-arm qemu-user-static arch-test cpio zstd e2fsprogs kmod gcc-aarch64-linux-gnu make
"${root_do[@]}" tests/rig/mk-binfmt
"${root_do[@]}" tests/rig/mk-rootfs arm64 $work/root
tests/rig/mk-kernel-stock arm64 $work/kernel $work/root/bin/busybox

tree=$work/count disk=$work/count.ext4
rm -rf $tree
cp -al $work/root $tree
dpkg-deb -x "$package" $tree
cat >$tree/count <<'I'
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
for engine in tract tflite; do
  tyto check --engine $engine 2>&1 | sed "s/^/COUNT: $engine: /"
done
echo 'COUNT: done'
echo o >/proc/sysrq-trigger
sleep 60
I
chmod +x $tree/count
rm -f $disk
mke2fs -q -t ext4 -d $tree $disk "$(($(du -sm $tree | cut -f1) + 200))M"
rm -rf $tree

for processor; do
  echo "$processor:"
  timeout 1800 qemu-system-aarch64 -machine virt,gic-version=3 -cpu "$processor" -accel tcg,thread=single \
    -icount shift=0 -smp 1 -m 1024 -display none -monitor none -nodefaults -no-reboot -serial stdio \
    -kernel $work/kernel/linux -initrd $work/kernel/initrd \
    -append 'console=ttyAMA0 quiet panic=-1 init=/count' \
    -drive if=none,id=disk,file=$disk,format=raw,snapshot=on -device virtio-blk-pci,drive=disk \
    -device virtio-rng-pci -nic none </dev/null | tr -d '\r' | tee $work/count.log |
    sed -un 's/^COUNT: \(.* encoder .*\)/  \1/p; s/^COUNT: \(.*WARN.*\)/  \1/p'
  grep -q '^COUNT: done' $work/count.log || { tail -n 20 $work/count.log >&2; exit 1; }
done
