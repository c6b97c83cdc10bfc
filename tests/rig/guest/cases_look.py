import subprocess
from harness import case, say
from devices import *

@case("look around")
def look():
    for c in ("ls -la /dev/video* /dev/snd /dev/v4l/*", "cat /proc/asound/cards", "v4l2-ctl --list-devices", "systemctl --failed --no-pager", "systemd-analyze", "ls /proc/asound/Loopback/pcm1c/sub0", "free -m", "df -h", "cat /proc/sys/net/core/wmem_default", "for d in /dev/video*; do v4l2-ctl -d $d -D --list-formats-ext | head -30; done", "systemctl status tyto --no-pager"):
        r = subprocess.run(c, shell=True, text=True, capture_output=True)
        for l in (r.stdout + r.stderr).splitlines(): print(l)

@case("scene look")
def scene():
    import os; os.makedirs("/etc/tyto", exist_ok=True); open("/etc/tyto/t.toml","w").write("[microphone]\ndevice=\"Loopback\"\n")
    with Scene() as s:
        for c in ("v4l2-ctl -d /dev/video10 -D --list-formats-ext", "timeout 20 v4l2-ctl -d /dev/video10 --stream-mmap --stream-count=60 --stream-to=/dev/null", "cd /tmp; time timeout 8 tyto check --tap --config /etc/tyto/t.toml", "tyto check --devices", "arecord -D hw:CARD=Loopback,DEV=1 -f S16_LE -c 1 -r 48000 -d 4 /tmp/a.wav; ls -la /tmp/a.wav; od -An -tx1 -j 150000 -N 200 /tmp/a.wav", "v4l2-ctl -d /dev/video0 --stream-mmap --stream-count=60 --stream-to=/dev/null", "top -b -n1 | head -15", "v4l2-ctl -d /dev/video0 -L | grep -iE 'inject|disconn|perc|drop'"):
            r = subprocess.run(c, shell=True, text=True, capture_output=True)
            for l in (r.stdout + r.stderr).splitlines(): print(l)
