"""Runs a program of `benchmarks/` with `--quick` and reads the figures of its last line."""

import json
import os
import subprocess
import sys

from tests.conftest import ROOT
from tests.forked_programs import ask

LONGEST_S = 300
"""Under a minute alone; this stops a hang."""


def figures_of(name, store, *arguments, asking=None):
    """The figures; `store` is the folder of its row store. Fails unless the program ends well, with a table
    above a line of numbers. `asking`: a socket of `tests/forked_programs.py`, to fork it.
    """
    words = [str(ROOT / f"benchmarks/{name}.py"), "--quick", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "JZ3_STORE": str(store), "OMP_NUM_THREADS": "1"}
    store.mkdir(parents=True, exist_ok=True)
    outputs = [store / "printed", store / "errors"]
    if asking:
        asking.settimeout(LONGEST_S)
        status = ask(asking, words, ROOT, environment, outputs)
    else:
        with outputs[0].open("w") as printed, outputs[1].open("w") as errors:
            status = subprocess.run(
                [sys.executable, *words],
                cwd=ROOT,
                env=environment,
                stdout=printed,
                stderr=errors,
                timeout=LONGEST_S,
                check=False,
            ).returncode
    assert status == 0, outputs[1].read_text()[-2000:]
    lines = outputs[0].read_text().strip().splitlines()
    assert len(lines) > 2, "a table stands above the figures"
    figures = json.loads(lines[-1])
    assert figures
    assert all(isinstance(figure, int | float) for figure in figures.values())
    return figures
