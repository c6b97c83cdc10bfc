#!/bin/sh
# Prints what sounds and where: events.sh [SOCKET]. Needs jq, and socat or OpenBSD's nc.
socket=${1:-/run/tyto/events.sock}
if command -v socat >/dev/null
then set -- socat -u "UNIX-CONNECT:$socket" -
else set -- nc -dU "$socket"
fi
"$@" | jq --unbuffered -r 'select(.type == "sound")
  | "\(.phase) \(.label) " + if .on_screen then "\(.azimuth_deg)°" else "out of view" end'
