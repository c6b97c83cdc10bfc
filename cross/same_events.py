"""usage: same_events.py ONE OTHER

Holds two runs over one clip to each other: the same tracks with the same phases, labels and
on-screen words in the same order, and numbers that differ by no more than another order of
adding up explains.
"""

import json
import sys

# What each field may differ by: angles in degrees, places as shares of the picture. The peak is
# a cell of the map, so it is the same or a whole cell off.
TOLERANCE = {
    "confidence": 0.02, "label_score": 0.02, "azimuth_deg": 0.5, "elevation_deg": 0.5,
    "spread_deg": 0.5, "level_dbfs": 0.1,
}  # fmt: skip
SAME = ("phase", "track", "label", "on_screen")


def sounds(path):
    with open(path, encoding="utf-8") as file:
        return [event for event in map(json.loads, file) if event["type"] == "sound"]


def main(one, other):
    here, there = sounds(one), sounds(other)
    if not here:
        sys.exit(f"{one}: no event at all")
    if len(here) != len(there):
        sys.exit(f"{len(here)} events here, {len(there)} there")
    worst = dict.fromkeys(TOLERANCE, 0.0)
    for number, (a, b) in enumerate(zip(here, there)):
        for key in SAME:
            if a.get(key) != b.get(key):
                sys.exit(f"event {number}: {key} is {a.get(key)!r} here, {b.get(key)!r} there")
        for key, most in TOLERANCE.items():
            if (key in a) != (key in b):
                sys.exit(f"event {number}: {key} is on one side only")
            worst[key] = max(worst[key], abs(a.get(key, 0.0) - b.get(key, 0.0)))
            if worst[key] > most:
                sys.exit(f"event {number}: {key} is {a[key]} here, {b[key]} there; at most {most} apart")
    print(f"{len(here)} events, the same on both; largest differences:")
    for key, value in worst.items():
        print(f"  {key:<14} {value:.4f}  (at most {TOLERANCE[key]})")


if __name__ == "__main__":
    main(*sys.argv[1:])
