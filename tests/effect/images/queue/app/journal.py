"""Notes of work begun and done."""

import os
import time


def note(*words):
    """One line, in one write, into the folder that all pods of a run share."""
    with open(f"/log/{os.environ['POD']}", "a", encoding="ascii") as log:
        log.write(" ".join([str(time.time_ns() // 1_000_000), *map(str, words)]) + "\n")


def work(number, seconds):
    note("start", number)
    time.sleep(seconds)
    note("end", number)
