"""Plays the clip's pictures into the loopback camera: feed_picture.py yuyv|mjpeg START FROM TO

The picture of the moment is chosen by the clock, so a feeder that was stopped goes on where
it would be by now. START is the beginning in seconds of CLOCK_MONOTONIC, FROM and TO the part
of the clip that is played again and again, in seconds.
"""

import fcntl
import mmap
import os
import struct
import sys
import time

from devices import Picture
from harness import SLOW

WIDTH, HEIGHT = 640, 360
CLIP_RATE = 5  # pictures a second in the file
RATE = 2 if SLOW else 15  # pictures a second that the camera gives
OUTPUT = 2  # V4L2_BUF_TYPE_VIDEO_OUTPUT
S_FMT = 0xC0D05605
S_PARM = 0xC0CC5616
STREAMON = 0x40045612


def code(letters):
    return int.from_bytes(letters.encode("ascii"), "little")


def start_output(camera, letters, row):
    size = row * HEIGHT if row else WIDTH * HEIGHT * 2
    pixels = (WIDTH, HEIGHT, code(letters), 1, row, size, 8)  # no interlacing, sRGB
    asked = struct.pack("<I4x7I", OUTPUT, *pixels).ljust(208, b"\0")
    fcntl.ioctl(camera, S_FMT, asked)
    rate = struct.pack("<I4I", OUTPUT, 0x1000, 0, 1, RATE).ljust(204, b"\0")
    fcntl.ioctl(camera, S_PARM, rate)
    # Writing needs no such call, but without it the driver never learns that its writer is
    # gone, and takes no pictures from the next one.
    fcntl.ioctl(camera, STREAMON, struct.pack("i", OUTPUT))


def content(name):
    """A file's bytes, in memory only as far as they are used."""
    with open(f"/rig/{name}", "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def yuyv_pictures():
    pixels = memoryview(content("farm.yuyv"))
    size = WIDTH * HEIGHT * 2
    return [pixels[at : at + size] for at in range(0, len(pixels), size)]


def mjpeg_pictures():
    pictures = content("farm.mjpeg")
    begin = b"\xff\xd8\xff"
    return [begin + part for part in pictures[:].split(begin)[1:]]


def main():
    kind, (start, first, last) = sys.argv[1], map(float, sys.argv[2:])
    camera = os.open(Picture.NODE, os.O_RDWR)
    if kind == "mjpeg":
        pictures = mjpeg_pictures()
        start_output(camera, "MJPG", 0)
    else:
        pictures = yuyv_pictures()
        start_output(camera, "YUYV", WIDTH * 2)
    tick = start
    os.write(camera, pictures[0])
    while True:
        tick = max(tick + 1 / RATE, time.monotonic() - 1 / RATE)
        time.sleep(max(0.0, tick - time.monotonic()))
        at = (first + max(0.0, tick - start) % (last - first)) * CLIP_RATE
        os.write(camera, pictures[int(at) % len(pictures)])


main()
