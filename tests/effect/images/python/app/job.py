"""A loop of jobs, each of SECONDS; on SIGTERM the one under way is finished, then it cleans up and ends."""

import itertools
import os
import signal
import time

from journal import note

SECONDS = float(os.environ.get("SECONDS_PER_JOB", "1.5"))
stopping = False


def stop(number, _):
    global stopping
    stopping = True
    note("signal", signal.Signals(number).name)


signal.signal(signal.SIGTERM, stop)
for job in itertools.count():
    if stopping:
        break
    note("start", f"{os.environ['POD']}-{job}")
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        time.sleep(0.05)
    note("end", f"{os.environ['POD']}-{job}")
note("cleanup")
