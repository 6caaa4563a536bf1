"""Counts how often a step worked on a row: one byte a time, whichever process does it."""

import os


def tally(step: str) -> None:
    folder = os.environ["REBUILD_TALLY"]
    file = os.open(f"{folder}/{step}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, b".")
    os.close(file)
