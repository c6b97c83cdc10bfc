#!/usr/bin/env bash
# usage: floor.sh PROGRAM VERSION
# Fails when PROGRAM asks for a younger glibc than VERSION, and names what asks for it.
set -euo pipefail
program=$1 floor=$2
asked=$(readelf --wide --dyn-syms "$program" | grep -o '[A-Za-z0-9_]*@GLIBC_[0-9.]*' | sort -u)
[ -n "$asked" ] || { echo "$program: asks for no glibc at all; is it a dynamic program?" >&2; exit 1; }
newest=$(sed 's/.*@GLIBC_//' <<<"$asked" | sort -uV | tail -n 1)
if [ "$(printf '%s\n' "$newest" "$floor" | sort -V | tail -n 1)" != "$floor" ]; then
  echo "$program needs glibc $newest, but the device may have no more than $floor. It asks for:" >&2
  grep "@GLIBC_$newest\$" <<<"$asked" | sed 's/^/  /' >&2
  exit 1
fi
echo "glibc: $newest asked for, $floor allowed"
