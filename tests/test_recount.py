"""Metrics equal a recount of the tables that the stages of the whole run left (tests/recounts.py).

A count that drifts from its table misleads every reader of the report, the card and `dvc metrics diff`.
"""

import json
from dataclasses import dataclass
from fnmatch import fnmatch

import polars as pl
import pytest
import yaml

from tests.recounts import RECOUNTS, Left, flags_of

UNCOUNTED = {
    "base",
    "warmup",
    "finetune",
    "pretrain",
    "attribute",
    "sketch",
    "diversify",
    "rds",
    "card",
    "report",
    "code",
}
"""Stages whose metrics are losses and sizes of models, or that read what others counted, or no rows."""


def at(metrics, name):
    for part in name.split("."):
        metrics = metrics[part]
    return metrics


def unaccounted(rows):
    """Rows that were read but are neither kept, rejected nor failed."""
    return rows["read"] - rows["kept"] - sum(rows["rejected"].values()) - rows["failed"]


UNRECOUNTED = {
    "ingest": ["characters_left", "passages_repeated"],
    "tasks": ["families", "instructions.*", "seeds*"],
    "distill": [
        "provider", "model", "sampling.*", "answered", "by_batch", "*_tokens", "cost_usd", "priced",
        "prices*",
    ],
    "solve": ["model", "draws", "paid*"],
    "balance": ["wanted", "short"],
    "synthesize": ["shared_prefix_tokens", "tokens_saved", "truncation_rate"],
    "skills": ["provider", "model", "sampling.*", "operators.*", "paid.*", "*_tokens"],
    "value": ["floor", "degree_of_ten", "value.*", "same_as_one_vector", "length"],
    "difficulty": ["rate.*", "value.*"],
    "choose": ["by", "*.length/*", "*_value.*"],
    "select": ["by", "agreement.*", "*.length/*", "*_value.*"],
    "execute": ["corrected", "output_correct*"],
    "correctness": ["families*"],
    "audit": ["sets.kd_*.rows"],
    "mix": ["corrected", "unfulfilled*"],
    "pack": ["instruction_blocks"],
    "grade": ["certificates.*"],
    "tabulate": ["prose.*", "tool.*"],
}  # fmt: skip
"""Metrics that do not follow from the tables: a new one is recounted above, or named here."""
UNRECOUNTED["augment"] = [*UNRECOUNTED["distill"], "operators.*"]


@dataclass(frozen=True)
class Recounted:
    """The metrics of a stage as written, and the counts that its tables confirm."""

    stage: str
    kind: str
    metrics: dict
    expected: dict

    def disagreements(self, metrics):
        """Stage, count, the value in the metrics, the recount."""
        rows = metrics.get("rows")
        lost = [("rows", rows, unaccounted(rows))] if rows and unaccounted(rows) else []
        wrong = [
            (name, at(metrics, name), count)
            for name, count in self.expected.items()
            if at(metrics, name) != count
        ]
        return [(self.stage, *one) for one in [*lost, *wrong]]


def recounted(root):
    found = []
    for stage, entry in yaml.safe_load((root / "dvc.lock").read_text())["stages"].items():
        left, kind = Left(root, flags_of(entry["cmd"])), stage.partition("@")[0]
        if kind not in UNCOUNTED:
            metrics = json.loads((root / left.flags["metrics"]).read_text())
            found.append(Recounted(stage, kind, metrics, RECOUNTS[kind](left, metrics)))
    return found


@pytest.fixture(scope="module")
def every_stage(whole_run):
    return recounted(whole_run[0].path)


def leaves(values, above=()):
    """The path of names to each value."""
    if not isinstance(values, dict):
        return [above]
    return [leaf for name, value in values.items() for leaf in leaves(value, (*above, name))]


def drifted(metrics, leaf):
    """The metrics with a different value at the leaf: a slightly larger number, or another word."""
    if not leaf:
        return metrics + 0.01 + isinstance(metrics, int) if isinstance(metrics, int | float) else "another"
    return metrics | {leaf[0]: drifted(metrics[leaf[0]], leaf[1:])}


def unnoticed(stages):
    """Metrics that can be altered without disagreeing with the tables, although nobody lists them as such."""
    return [
        (one.stage, ".".join(leaf))
        for one in stages
        for leaf in leaves(one.metrics)
        if not any(fnmatch(".".join(leaf), name) for name in UNRECOUNTED.get(one.kind, []))
        and not one.disagreements(drifted(one.metrics, leaf))
    ]


def test_metrics_equal_a_recount_of_the_tables(every_stage):
    assert [wrong for one in every_stage for wrong in one.disagreements(one.metrics)] == []


def test_every_metric_that_drifts_from_its_table_is_noticed(every_stage):
    assert unnoticed(every_stage) == []


def test_a_score_is_checked_where_the_certificate_covers_every_item_of_it(whole_run):
    root = whole_run[0].path
    grades = pl.concat(
        pl.read_parquet(file).with_columns(model=pl.lit(file.stem))
        for file in sorted((root / "data/grades").glob("*.parquet"))
    )
    scores = pl.read_parquet(root / "data/tables/scores.parquet").filter(group_by="all")
    assert not scores.is_empty()
    for row in scores.iter_rows(named=True):
        mine = grades.filter(model=row["model"], setting=row["setting"], benchmark=row["benchmark"])
        unchecked = (mine["contamination"] == "unchecked").any()
        assert row["contamination"] == ("unchecked" if unchecked else "checked")
        assert row["responses"] == mine.height
        assert row["truncated"] == mine["truncated"].sum()
        assert row["clean_items"] == mine.filter(contamination="clean")["item_id"].n_unique()
