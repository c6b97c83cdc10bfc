#!/bin/sh
# usage: device.sh install BOARD USER | board BOARD | remove
# The part of flash.sh that runs on the device, as root: installs the package beside it, says
# which board this is in /etc/tyto/tyto.toml, or takes all of it away.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
config=/etc/tyto/tyto.toml
say() { printf '%-8s %s\n' "$1:" "$2"; }
quietly() { "$@" >"$here/log" 2>&1 || { cat "$here/log"; return 1; }; }
apt() { quietly apt-get -qq -y -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 "$@"; }

# Writes board.name into the configuration and leaves every other line alone.
set_board() {
  mkdir -p "${config%/*}"
  [ -e $config ] || : >$config
  awk -v name="name = \"$1\"" '
    /^[ \t]*\[/ { if (inside && !done) { print name; done = 1 }; inside = $0 ~ /^[ \t]*\[board\]/ }
    inside && /^[ \t]*name[ \t]*=/ { if (done) next; $0 = name; done = 1 }
    { print }
    END { if (!done) { if (!inside) print "\n[board]"; print name } }
  ' $config >$config.new
  if cmp -s $config $config.new; then rm $config.new
  else cat $config.new >$config; rm $config.new; say board "$1, in $config"; fi
}

install() {
  board=$1 user=$2
  # What an attempt before this one, or a power cut, left half-way.
  if [ -n "$(dpkg --audit)" ]; then
    say repair "packages that were left half-installed"
    dpkg --configure -a >"$here/dpkg.log" 2>&1 || say repair "$(tail -n 1 "$here/dpkg.log")"
  fi

  # The new program tries itself before anything that works is replaced.
  depends=$(dpkg-deb -f "$here/tyto.deb" Pre-Depends Depends | sed 's/^[A-Za-z-]*: //' | paste -sd,)
  # apt does nothing while a package must be put in again; only dpkg can.
  must=$(dpkg-query -W -f '${db:Status-Eflag}' tyto 2>/dev/null || true)
  [ "$must" = reinstreq ] || apt satisfy "$depends" || { apt update && apt satisfy "$depends"; } ||
    { say failed "packages that Tyto needs cannot be installed: $depends"; return 1; }
  mkdir "$here/trial"
  dpkg-deb -x "$here/tyto.deb" "$here/trial"
  share=$here/trial/usr/share/tyto
  cp "$here/$board.toml" "$share/board/"
  configured=
  [ ! -e $config ] || configured="--config $config"
  # shellcheck disable=SC2086 # nothing, or two words
  (cd "$share" && LD_LIBRARY_PATH=../../lib/tyto ../../bin/tyto check $configured --board "$board") >"$here/check.log" 2>&1 ||
    { cat "$here/check.log"; say failed "the new program does not pass its own check"; return 1; }
  sed 's/^/         /' "$here/check.log"
  rm -rf "$here/trial"

  if [ "$must" = reinstreq ]; then
    quietly dpkg --force-confdef --force-confold --install "$here/tyto.deb"
  else
    apt install --reinstall --allow-downgrades -o Dpkg::Options::=--force-confdef \
      -o Dpkg::Options::=--force-confold "$here/tyto.deb"
  fi
  set_board "$board"
  [ "$user" = root ] || usermod -aG tyto "$user"
  systemctl daemon-reload
  systemctl -q enable tyto
  if ! systemctl restart tyto; then
    journalctl -q -u tyto -n 20 --no-pager -o cat
    say failed "the service does not start; its last lines are above"
    return 1
  fi
  say service "$(systemctl is-active tyto), $(systemctl show -P StatusText tyto)"
}

remove() {
  systemctl -q disable --now tyto 2>/dev/null || true
  if dpkg-query -W tyto >/dev/null 2>&1; then dpkg --purge --force-remove-reinstreq tyto >/dev/null; fi
  rm -rf $config /etc/systemd/system/tyto.service.d
  rmdir "${config%/*}" 2>/dev/null || true
  systemctl daemon-reload
}

case $1 in
  install) install "$2" "$3" ;;
  board) set_board "$2" ;;
  remove) remove ;;
esac
