"""Plays the clip's sound into the loopback card: feed_sound.py PCM START FROM TO

`aplay` keeps the card's pace. When the card goes away, this waits for it and goes on where
the clip would be by now. START, FROM and TO as for the pictures.
"""

import subprocess
import sys
import time
import wave

PIECE = 4800  # samples handed over at a time, 0.1 s


def main():
    pcm, (start, first, last) = sys.argv[1], map(float, sys.argv[2:])
    with wave.open("/rig/farm.wav") as file:
        rate = file.getframerate()
        file.setpos(int(first * rate))
        samples = file.readframes(int((last - first) * rate))
    total = len(samples) // 2
    command = ["aplay", "-q", "-D", pcm, "-t", "raw", "-f", "S16_LE", "-c", "1", "-r", str(rate)]
    command += ["--buffer-time=200000", "--period-time=50000", "-"]
    while True:
        time.sleep(max(0.0, start - time.monotonic()))
        player = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        at = int(((time.monotonic() - start) % (last - first)) * rate)
        try:
            while True:
                end = min(at + PIECE, total)
                player.stdin.write(samples[2 * at : 2 * end])
                at = end % total
        except BrokenPipeError:
            pass
        player.kill()
        player.wait()
        time.sleep(0.1)


main()
