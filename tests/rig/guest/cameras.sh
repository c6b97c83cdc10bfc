#!/bin/sh
# The device's only program when the camera tests run; `tests/rig/cameras` reads the lines that
# begin with RIG.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
/lib/systemd/systemd-udevd --daemon
cd /tmp || exit
failed=0

tests() {
  /rig/tests --ignored --test-threads=1 --nocapture "$@" >/tmp/said 2>&1 || failed=1
  sed 's/^/RIG:   /' /tmp/said
}

# One camera that is a webcam; then that one with a buffer for each plane, beside one that is a
# television card, with all the nodes that are no cameras.
for setup in \
  "n_devs=1 num_inputs=1 input_types=0x0 multiplanar=1" \
  "n_devs=2 num_inputs=1,2 input_types=0x0,0x1 multiplanar=2,1"
do
  echo "RIG: vivid $setup"
  # shellcheck disable=SC2086
  modprobe vivid $setup || failed=1
  udevadm settle
  tests capture::camera::tests:: --skip a_disconnected_camera
  # Last, as its nodes answer nothing afterwards.
  tests capture::camera::tests::a_disconnected_camera
  modprobe -r vivid || failed=1
done
[ "$failed" = 0 ] && echo "RIG: all passed" || echo "RIG: some failed"
poweroff -f
