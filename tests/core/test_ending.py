"""Ctrl-C while modules are still being imported, and what the operating system refuses."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jz3.core.ending import ends_in_one_line

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("module", "after"),
    [("stages.filter", "argparse"), ("stages.filter", "polars"), ("jz3", "typer"), ("jz3", "polars")],
)
def test_ctrl_c_before_any_work_is_one_line_and_status_130(module, after):
    """The interpreter reports which module it has imported, so that the moment is the same on each
    machine.
    """
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


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENAMETOOLONG, errno.EISDIR])
def test_a_path_that_cannot_be_used_is_one_line(number, capsys):
    with pytest.raises(SystemExit) as ended, ends_in_one_line("jz3", "run it again"):
        raise OSError(number, os.strerror(number), "mine.jsonl")
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith(f"jz3: mine.jsonl: {os.strerror(number)}; a path that ")


@pytest.mark.parametrize("number", [errno.EIO, errno.EINVAL])
def test_another_failure_of_the_system_is_a_traceback(number):
    with pytest.raises(OSError, match="mine"), ends_in_one_line("jz3", "run it again"):
        raise OSError(number, os.strerror(number), "mine.jsonl")
