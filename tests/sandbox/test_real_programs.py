"""Programs that a model wrote print in the sandbox what they print in an interpreter of their own."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jz3.sandbox.pool import Sandbox, open_sandbox
from jz3.sandbox.settings import Limits, SandboxSettings

SAMPLES = Path(os.environ.get("JZ3_SHARED", "../shared"), "samples", "tool.jsonl")
SETTINGS = SandboxSettings(
    workers=2,
    required_level=2,
    # Longer than in production: what is compared is output, on a machine that may be busy.
    limits=Limits(wall_seconds=20, cpu_seconds=20, memory_mb=1024, output_characters=1 << 20),
)

AGAIN = 10
"""Runs outside that must print the same before a difference counts: some programs draw from few numbers."""

pytestmark = pytest.mark.skipif(
    not SAMPLES.exists(), reason=f"the sample of tool problems is not at {SAMPLES}"
)


def programs() -> list[str]:
    """The first program of each row that has one, in the order of the file."""
    rows = [json.loads(line)["output"] for line in SAMPLES.read_text().splitlines()]
    found = [re.search(r"```python\n(.*?)```", row, re.DOTALL) for row in rows]
    return [program[1] for program in found if program]


@pytest.fixture(scope="module")
def roomy() -> Iterator[Sandbox]:
    with open_sandbox(SETTINGS) as sandbox:
        yield sandbox


def outside(program: str) -> tuple[str, int]:
    """Standard output and exit code in a cold interpreter, with the hash seed that the sandbox has."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "program.py").write_text(program)
        ended = subprocess.run(
            [sys.executable, "program.py"],
            cwd=folder,
            env={"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    return ended.stdout, ended.returncode


def differences(sandbox: Sandbox, chosen: list[str]) -> list[str]:
    """Programs whose result is another outside, where outside it is the same each time."""
    results = sandbox.run_all(chosen)
    with ThreadPoolExecutor(2) as pool:
        expected = list(pool.map(outside, chosen))
    pairs = zip(chosen, results, expected, strict=True)
    differ = [(program, cold) for program, result, cold in pairs if (result.stdout, result.exit_code) != cold]
    return [program for program, cold in differ if all(outside(program) == cold for _ in range(AGAIN))]


def test_real_programs_print_the_same_outside(roomy: Sandbox) -> None:
    assert differences(roomy, programs()[:40]) == []


@pytest.mark.long
def test_a_thousand_real_programs_print_the_same_outside(roomy: Sandbox) -> None:
    assert len(programs()) > 990
    assert differences(roomy, programs()) == []
