"""Programs that a model wrote print the same in the sandbox as in an interpreter of their own."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jz3.sandbox.pool import Sandbox, open_sandbox
from jz3.sandbox.settings import Limits, SandboxSettings
from tests.sandbox.samples import first_programs, needs_samples

SETTINGS = SandboxSettings(
    workers=2,
    required_level=2,
    # Longer than in production: the test compares output, on a machine that may be busy.
    limits=Limits(wall_seconds=20, cpu_seconds=20, memory_mb=1024, output_characters=1 << 20),
)

AGAIN = 10
"""Runs outside that must print the same before a difference counts: some programs draw from only a few
numbers.
"""

pytestmark = needs_samples


@pytest.fixture(scope="module")
def roomy() -> Iterator[Sandbox]:
    with open_sandbox(SETTINGS) as sandbox:
        yield sandbox


def outside(program: str) -> tuple[str, int]:
    """Standard output and exit code in a cold interpreter, with the sandbox's hash seed."""
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
    """Programs whose result differs from the one outside, if that is the same each time."""
    results = sandbox.run_all(chosen)
    with ThreadPoolExecutor(2) as pool:
        expected = list(pool.map(outside, chosen))
    pairs = zip(chosen, results, expected, strict=True)
    differ = [(program, cold) for program, result, cold in pairs if (result.stdout, result.exit_code) != cold]
    return [program for program, cold in differ if all(outside(program) == cold for _ in range(AGAIN))]


def test_real_programs_print_the_same_outside(roomy: Sandbox) -> None:
    assert differences(roomy, first_programs()[::100]) == []


@pytest.mark.long
def test_every_sixteenth_of_a_thousand_real_programs_prints_the_same_outside(roomy: Sandbox) -> None:
    assert len(first_programs()) > 990
    assert differences(roomy, first_programs()[::16]) == []
