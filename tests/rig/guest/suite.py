"""The suite: plugs the devices in, runs every case, says how many held."""

import sys

import daemon
import devices
import harness

# Importing a file of cases adds them to the suite, in this order.
import cases_hearing  # noqa: F401
import cases_camera  # noqa: F401
import cases_microphone  # noqa: F401
import cases_often  # noqa: F401
import cases_readers  # noqa: F401
import cases_service  # noqa: F401

if __name__ == "__main__":
    daemon.install()
    devices.plug_in_everything()
    sys.exit(1 if harness.run_all(daemon.journal) else 0)
