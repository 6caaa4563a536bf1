"""Runs a program of `benchmarks/` with `--quick` and reads the figures of its last line."""

import json
import os
import subprocess
import sys

from tests.conftest import ROOT


def figures_of(name, store, *arguments):
    """The figures; `store` is the folder of its row store. Fails unless the program ends well, with a table
    above a line of numbers.
    """
    done = subprocess.run(
        [sys.executable, f"benchmarks/{name}.py", "--quick", *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "JZ3_STORE": str(store), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,  # under a minute alone; this stops a hang
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = done.stdout.strip().splitlines()
    assert len(lines) > 2, "a table stands above the figures"
    figures = json.loads(lines[-1])
    assert figures
    assert all(isinstance(figure, int | float) for figure in figures.values())
    return figures
