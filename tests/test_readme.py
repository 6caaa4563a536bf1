"""The figures of the README are those of the run whose metrics are committed."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
LEFT = ROOT / "data/tables/test.md"
TEST_TABLES = LEFT.read_text() if LEFT.is_file() else ""
needs_a_run = pytest.mark.skipif(not LEFT.is_file(), reason="no run here; `.ci/run` looks after its own")
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


@needs_a_run
def test_every_score_on_test_items_is_one_that_the_run_left():
    shown = re.findall(r"^\| held_out_test \|.*$", README, re.MULTILINE)
    assert len(shown) >= 3
    assert set(shown) <= set(TEST_TABLES.splitlines())


@needs_a_run
def test_the_lead_is_that_of_the_run():
    (lead,) = re.findall(
        r"^\| held_out_test \| both \| jiuzhang \| instruct_only \| \d+ \| (\S+) \| (\S+) \| (\S+) \|",
        TEST_TABLES,
        re.MULTILINE,
    )
    assert "{} points ahead (95 % interval {} to {}".format(*lead) in README


def test_the_share_of_right_problems_is_that_of_the_run():
    shares = metrics("correctness@jiuzhang")
    for kind in ("tool", "prose"):
        right, written = shares[f"{kind}_correct"], shares[f"{kind}_problems"]
        assert f"{right} of {written}" in README
        assert f"({100 * right / written:.1f} %)" in README
