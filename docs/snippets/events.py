"""Prints what sounds and where: python3 events.py [SOCKET]"""
import json
import socket
import sys

path = sys.argv[1] if len(sys.argv) > 1 else "/run/tyto/events.sock"
with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
    connection.connect(path)
    for line in connection.makefile(encoding="utf-8"):
        event = json.loads(line)
        if event["type"] == "sound":
            where = f"{event['azimuth_deg']:+.1f}°" if event["on_screen"] else "out of view"
            print(event["phase"], event["label"], where, flush=True)
