#!/bin/bash
# On the emulated board: waits for the service, plays a sound into a loopback card, and prints
# the first event. Each line begins with `HEARD: `; the last is `done` or `failed`.
say() { echo "HEARD: $1"; }
fail() {
  say "failing: $1"
  tyto status --json
  ls -l /dev/snd
  grep -H . /proc/asound/Loopback/pcm0c/sub0/hw_params /proc/asound/Loopback/pcm1p/sub0/status
  journalctl -b -u tyto -u tyto-first-boot -n 40 --no-pager -o cat
  sleep 5
  say "failed: $1"
  exit 1
}

# The microphone gives samples.
hears() { tyto status --json | grep -q '"samples":[1-9]'; }

say "machine: $(tr -d '\0' </proc/device-tree/model), up for $(cut -d. -f1 /proc/uptime) s"
for _ in $(seq 100); do systemctl -q is-active tyto && break; sleep 3; done
systemctl -q is-active tyto || fail "the service is $(systemctl is-active tyto)"
say "service: active, $(tyto status --json | grep -o '"state":"[a-z]*"'), socket $(stat -c '%G %a' /run/tyto/events.sock)"
say "file system: $(df -h --output=size / | tail -n 1)"
[ "$(df --output=size / | tail -n 1)" -gt 3000000 ] || fail "the file system did not grow to its card"
[ ! -e /boot/firmware/tyto-setup.txt ] || fail "the file of the first start was not read"

# Somebody listens before anything sounds: the first event is judged.
timeout 900 tyto watch --json --once >/run/first-event &
watching=$!

# A microphone is plugged in: what is played into the loopback's other end is what it hears.
printf 'defaults.pcm.!card Loopback\ndefaults.ctl.!card Loopback\n' >/etc/asound.conf
modprobe snd-aloop pcm_substreams=1 || fail "no loopback card"
while aplay -q -D plughw:Loopback,1,0 /usr/share/heard.wav; do :; done &
# First that it is opened, which is soon, and then what is heard, which takes some looks.
for _ in $(seq 60); do hears && break; sleep 2; done
hears || fail "the microphone was plugged in and does not run"
say "microphone: running"
wait "$watching" || fail "no event within 15 minutes"
event=$(grep '"type":"sound"' /run/first-event) || fail "no event within 15 minutes"
[[ $event == *'"label":"Dog"'* ]] || fail "the dog is something else: $event"
say "event: $event"
say "done"
