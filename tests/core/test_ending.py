"""Ctrl-C while modules are still imported."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("module", "after"),
    [("stages.filter", "argparse"), ("stages.filter", "polars"), ("jz3", "typer"), ("jz3", "polars")],
)
def test_ctrl_c_before_any_work_is_one_line_and_status_130(module, after):
    """The interpreter says which module it has imported, so that the moment is the same on each machine."""
    with subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", module, "doctor"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert any(line.split()[-1:] == [after] for line in running.stderr)
        running.send_signal(signal.SIGINT)
        (line,) = (line for line in running.stderr if not line.startswith("import time:"))
    assert running.returncode == 130
    assert "interrupted before any work. To go on, run" in line or line.startswith("jz3: interrupted")
