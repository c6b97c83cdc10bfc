#!/usr/bin/env bash
# usage: flash.sh BOARD HOST [PACKAGE]
#        flash.sh --remove HOST
# Installs Tyto on HOST (user@device or ssh://user@device:port) for the board BOARD, and shows
# that it works; again as often as you like. PACKAGE is a .deb for the device's processor; else
# the newest that was built, else one is built. SSH is the command to use, such as "ssh -i KEY".
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
seconds=${SECONDS_OF_EVENTS:-20}

die() {
  echo "flash: $1" >&2
  [ $# -lt 2 ] || echo "  $2" >&2
  exit 1
}

work=$(mktemp -d)
# One connection for all that follows, so that a password is asked for once.
read -ra ssh <<<"${SSH:-ssh}"
options=(-o ConnectTimeout=15 -o ServerAliveInterval=10 -o ControlMaster=auto
  -o ControlPersist=120 -o ControlPath="$work/ssh" -o LogLevel=ERROR)
# shellcheck disable=SC2029 # what is expanded here is meant to be
device() { "${ssh[@]}" "${options[@]}" "$host" "$@"; }
place=
finish() {
  [ -z "$place" ] || device "rm -rf $place" 2>/dev/null || true
  "${ssh[@]}" "${options[@]}" -O exit "$host" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

board=${1:-} host=${2:-} package=${3:-}
boards=$(cd "$here" && printf '%s ' *.toml | sed 's/\.toml//g')
[ "$board" = --remove ] || [ -e "$here/$board.toml" ] ||
  die "${board:-(no board)}: no such board profile" "BOARD is one of: ${boards% }; any other machine starts with generic"
[ -n "$host" ] || die "no device named" "HOST=user@device says where to, as in \`ssh user@device\`"
[ -z "$package" ] || [ -r "$package" ] || die "$package: no such file" "DEB names a .deb; without it one is built"

# What the device is, a line for each fact.
device sh >"$work/facts" <<'FACTS' || die "$host: cannot be reached" "is it switched on and in this network, and does \`ssh $host\` work?"
echo "arch=$(dpkg --print-architecture 2>/dev/null)"
echo "processor=$(uname -m)"
echo "glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2)"
echo "system=$(. /etc/os-release 2>/dev/null && echo "$PRETTY_NAME")"
echo "machine=$(tr -d '\0' 2>/dev/null </proc/device-tree/model)"
echo "init=$(cat /proc/1/comm)"
echo "free=$(df -Pk /usr /var/tmp | awk 'NR > 1 && (NR == 2 || $4 < least) { least = $4 } END { print least }')"
echo "user=$(id -un)"
if [ "$(id -u)" = 0 ]; then echo sudo=; elif sudo -n true 2>/dev/null; then echo 'sudo=sudo -n'
else echo "sudo=$(command -v sudo >/dev/null && echo 'sudo' || echo none)"; fi
FACTS
fact() { sed -n "s/^$1=//p" "$work/facts"; }
arch=$(fact arch) machine=$(fact machine) sudo=$(fact sudo)
echo "device:  $host, ${machine:-$(fact processor)}, $(fact system), $arch, glibc $(fact glibc), $(($(fact free) / 1024)) MB free"

terminal=()
case $sudo in
  none) die "$host: user $(fact user) may not install, and there is no sudo" "log in as root: HOST=root@…" ;;
  sudo) [ -t 0 ] || die "$host: sudo asks $(fact user) for a password, and there is no terminal to give it" "run it from a terminal, or log in as root"
    terminal=(-t) ;;
esac

if [ "$board" = --remove ]; then
  place=$(device mktemp -d /var/tmp/tyto-flash.XXXXXX)
  device "cat >$place/device.sh" <"$here/device.sh"
  device "${terminal[@]}" "$sudo sh $place/device.sh remove"
  echo "$host: Tyto and its configuration are gone"
  exit 0
fi

[ "$(fact init)" = systemd ] || die "$host: its first process is $(fact init), not systemd" "Tyto's service needs systemd"
case $arch in
  '') die "$host: has no dpkg, so it is no Debian, Raspberry Pi OS or Ubuntu" "build on the device: docs/devices.md" ;;
  armhf | armel) die "$host: runs a 32-bit system ($arch)" "put the 64-bit one on the card: the processor can do it from the Raspberry Pi 3 on" ;;
esac

# The profile and the machine: one that another profile is made for is a slip of the pen.
parts() { sed -n 's/^machines = \[\(.*\)\]$/\1/p' "$here/$1.toml" | sed 's/", "/\n/g; s/"//g'; }
if [ -n "$machine" ] && [ "$board" != generic ] && ! grep -qFf <(parts "$board") <<<"$machine"; then
  for other in $boards; do
    [ -z "$(parts "$other")" ] || ! grep -qFf <(parts "$other") <<<"$machine" ||
      die "$host: is a $machine, not a $board" "BOARD=$other is made for it; BOARD=generic suits any machine"
  done
fi

if [ -z "$package" ]; then
  package=$("$here/package.sh" "$arch" "$board")
fi
field() { dpkg-deb -f "$package" "$1" 2>/dev/null; }
[ "$(field Package)" = tyto ] || die "$package: is not Tyto's package" "make deb ARCH=$arch makes one"
echo "package: $package, $(field Version) for $(field Architecture)"
[ "$(field Architecture)" = "$arch" ] ||
  die "$package: is for $(field Architecture), and $host is $arch" "make deb ARCH=$arch"
floor=$({ field Pre-Depends; field Depends; } | sed -n 's/.*libc6 (>= \([0-9.]*\)).*/\1/p')
[ -z "$floor" ] || dpkg --compare-versions "$(fact glibc)" ge "$floor" ||
  die "$host: its glibc is $(fact glibc), and the package needs $floor" \
    "a newer system, or a package for the older one: cross/README.md"
# The package, unpacked for the trial, and unpacked for good.
need=$((2 * $(field Installed-Size) + $(stat -c %s "$package") / 1024 + 10240))
[ "$(fact free)" -ge $need ] ||
  die "$host: has $(($(fact free) / 1024)) MB free, and the installation takes $((need / 1024)) MB" \
    "make room: \`sudo apt-get clean\`, \`sudo journalctl --vacuum-size=20M\`"

place=$(device mktemp -d /var/tmp/tyto-flash.XXXXXX)
mkdir "$work/send"
cp "$here/device.sh" "$here/$board.toml" "$work/send/"
cp "$package" "$work/send/tyto.deb"
(cd "$work/send" && sha256sum ./* >../sums && mv ../sums sums)
tar -C "$work/send" -c . | device "tar -x -C $place && cd $place && sha256sum --quiet -c sums" ||
  die "$host: the package did not arrive whole" "run it again"
device "${terminal[@]}" "$sudo sh $place/device.sh install $board $(fact user)" ||
  die "$host: not installed; what was there before goes on" "the lines above say why; run it again when that is mended"

echo "events:  make a sound; listening for $seconds s"
device "$sudo timeout $seconds tyto watch --json --count 5" || true
echo "done:    ssh $host, then \`tyto watch\` (log in anew to be in the group tyto)"
