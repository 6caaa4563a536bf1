"""The figures of the README are those of the run whose metrics are committed."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
ROWS = re.findall(r"^\| `([\w@]+)` \| [\w ]+ \| (\d+) \| (\d+) \| (.*?) ?\|$", README, re.MULTILINE)


def metrics(stage):
    return json.loads((ROOT / "data/metrics" / f"{stage.replace('@', '/')}.json").read_text())


def test_the_table_of_rows_is_there():
    assert len(ROWS) >= 8


@pytest.mark.parametrize(("stage", "read", "kept", "rejected"), ROWS)
def test_rows_of_a_stage(stage, read, kept, rejected):
    rows = metrics(stage)["rows"]
    assert (rows["read"], rows["kept"]) == (int(read), int(kept))
    by_rule = sorted(rows["rejected"].items(), key=lambda rule: (-rule[1], rule[0]))
    assert ", ".join(f"{rule} {count}" for rule, count in by_rule).startswith(rejected)
    assert bool(rejected) == bool(by_rule)


@pytest.mark.parametrize(
    ("row", "score"),
    [
        ("| all benchmarks | mean over benchmarks |", "mean_over_benchmarks"),
        ("| held_out | macro over families |", "macro_over_families"),
        ("| held_out | all | prose |", "prose"),
        ("| held_out | all | tool |", "tool"),
    ],
)
def test_scores(row, score):
    (line,) = [line for line in README.splitlines() if line.startswith(row)]
    shown = [float(cell.split()[0]) for cell in line.split("|")[-3:-1]]
    scores = metrics("tabulate")[score]
    assert shown == [round(scores[model], 1) for model in ("instruct_only", "jiuzhang")]


def test_the_lead_and_the_share_of_right_problems():
    scores = metrics("tabulate")["macro_over_families"]
    assert f"{scores['jiuzhang'] - scores['instruct_only']:.1f} points ahead" in README
    shares = metrics("correctness@jiuzhang")
    for kind in ("tool", "prose"):
        right, written = shares[f"{kind}_correct"], shares[f"{kind}_problems"]
        assert f"{right} of {written}" in README
        assert f"({100 * right / written:.1f} %)" in README
