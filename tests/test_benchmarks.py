"""Every benchmark runs quickly when asked to and ends with one JSON object of its figures."""

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.long

SHARED = ROOT / os.environ.get("JZ3_SHARED", "../shared")


@pytest.mark.parametrize("program", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda path: path.stem)
def test_a_benchmark_prints_its_figures_last(program, tmp_path):
    if "JZ3_SHARED" in program.read_text() and not SHARED.is_dir():
        pytest.skip(f"{program.name} reads {SHARED}, which is not there")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "JZ3_STORE": str(tmp_path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(program), "--quick"],
        cwd=ROOT,
        env=environment,
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
