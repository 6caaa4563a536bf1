"""The public files themselves: all rows are read, gold equals gold, and their own solutions are graded right.

They may not be in the repository: `$JZ3_SHARED/benchmarks` holds them, or the tests are skipped.
"""

import json
import os
from pathlib import Path

import pytest
import yaml

from jz3.answers.benchmark_rules import RULES, rules_of
from jz3.answers.equality import equal
from jz3.answers.extract import extract_lenient, extract_strict
from jz3.core.artifacts import InFiles
from jz3.graph.fetching.table import read_table
from jz3.raw.fetched import sha256_of
from jz3.tasks.benchmarks import BenchmarksParams, collect_items
from tests.conftest import ROOT

FOLDER = Path(os.environ.get("JZ3_SHARED", "../shared")) / "benchmarks"
PAPER = yaml.safe_load((ROOT / "profiles/paper.yaml").read_text())["benchmarks"]["sources"]
NAMES = [source["name"] for source in PAPER if (FOLDER / source["name"]).exists()]
HERE = [
    {
        "name": source["name"],
        "reader": "file",
        "pattern": f"{source['name']}/test.jsonl",
        "format": source["format"],
        "items": source["items"],
        "digest": None,
    }
    for source in PAPER
    if source["name"] in NAMES
]

pytestmark = pytest.mark.skipif(not HERE, reason=f"no benchmark files in {FOLDER}")


@pytest.fixture(scope="module")
def collected():
    return collect_items(InFiles(FOLDER), BenchmarksParams.model_validate({"sources": HERE}))


def test_the_paper_profile_reads_each_file_by_its_count_and_digest(collected):
    items, metrics, _ = collected
    assert len(HERE) >= 8
    for name, entry in read_table(ROOT).items():
        if name in NAMES:
            (held,) = entry.held.values()
            assert held.digest == f"sha256:{sha256_of(FOLDER / name / 'test.jsonl')}"
    assert metrics.items == {source["name"]: source["items"] for source in HERE}
    assert items.height == metrics.rows.read, "nothing was rejected"


def test_every_gold_is_equal_to_itself_as_it_is_boxed_in_an_answer(collected):
    wrong = [
        (item["benchmark"], item["gold"])
        for item in collected[0].iter_rows(named=True)
        if not equal(
            item["gold"],
            extract_strict(f"So $\\boxed{{{item['gold']}}}$.").answer or "",
            rules_of(item["benchmark"]).tolerance,
        ).equal
    ]
    assert wrong == []


def _solutions(name):
    for line in (FOLDER / name / "test.jsonl").read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


def test_maths_own_solutions_score_100():
    rows = list(_solutions("math-oai"))
    right = [equal(row["answer"], extract_strict(row["solution"]).answer or "").equal for row in rows]
    assert (len(right), 100 * sum(right) / len(right)) == (500, 100.0)


def test_gsm8ks_own_solutions_score_100(collected):
    golds = collected[0].filter(benchmark="gsm8k").sort("item_id")["gold"]
    found = [extract_lenient(row["answer"]).answer or "" for row in _solutions("gsm8k")]
    assert all(equal(gold, answer).equal for gold, answer in zip(golds, found, strict=True))


def test_every_benchmark_of_the_paper_has_its_rules_written_out():
    assert {source["name"] for source in PAPER} <= set(RULES)
