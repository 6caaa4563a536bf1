"""The programs of the samples of tool problems, if the samples are there."""

import json
import os
import re
from pathlib import Path

import pytest

SAMPLES = Path(os.environ.get("JZ3_SHARED", "../shared"), "samples", "tool.jsonl")

needs_samples = pytest.mark.skipif(
    not SAMPLES.exists(), reason=f"the sample of tool problems is not at {SAMPLES}"
)


def all_programs() -> list[str]:
    """Every program of every row, in the order of the file."""
    rows = [json.loads(line)["output"] for line in SAMPLES.read_text().splitlines()]
    return [program for row in rows for program in re.findall(r"```python\n(.*?)```", row, re.DOTALL)]


def first_programs() -> list[str]:
    """The first program of each row that has one, in the order of the file."""
    rows = [json.loads(line)["output"] for line in SAMPLES.read_text().splitlines()]
    found = [re.search(r"```python\n(.*?)```", row, re.DOTALL) for row in rows]
    return [program[1] for program in found if program]
