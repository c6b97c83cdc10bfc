"""What dpkg does with the package while the device stays on, or one power cut."""

import os
import sys

import harness
import package

if __name__ == "__main__":
    words = dict(w.split("=", 1) for w in harness.read("/proc/cmdline").split() if "=" in w)
    if words.get("rig.step") == "cut":
        import cut

        cut.prepare(int(words["rig.cut"]), int(words["rig.last"]))
    else:
        import cases_dpkg  # noqa: F401

    failed = harness.run_all(package.journal)
    if words.get("rig.step") == "cut":
        cut.off()
    os.sync()
    sys.exit(1 if failed else 0)
