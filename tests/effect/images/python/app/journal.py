"""What an application does, a line each, in the folder that all pods of a run share: `MILLIS start ID`, `end ID`, `signal NAME`, `cleanup`."""

import os
import time


def note(*words):
    """One line, in one write."""
    with open(f"/log/{os.environ['POD']}", "a", encoding="ascii") as log:
        log.write(" ".join([str(time.time_ns() // 1_000_000), *map(str, words)]) + "\n")
