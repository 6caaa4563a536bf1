"""Details behind the scores: published figures beside ours, disputed verdicts, requests and tokens."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from markupsafe import Markup

from jz3.report.rendering import folded, joined, paragraph, table
from jz3.report.writing import count

MOST_SHOWN = 200
"""Disputed verdicts on the page (chosen); the table `data/tables/disagreements.parquet` has all."""


def published_table(published: pl.DataFrame) -> Markup:
    """Our scores beside a paper's, on the benchmarks that both have."""
    if not published.height:
        return paragraph("None of this run's benchmarks is among the published ones that were asked for.")
    head = ["benchmark", "setting", "model", "ours", "95 % interval", "published by", "theirs", "difference"]
    lines = [
        [
            row["benchmark"],
            row["setting"],
            row["model"],
            f"{row['accuracy']:.1f}",
            "" if row["low"] is None else f"{row['low']:.1f} to {row['high']:.1f}",
            row["published_model"],
            f"{row['published']:.1f}",
            f"{row['difference']:+.1f}",
        ]
        for row in published.iter_rows(named=True)
    ]
    return table(
        "Our scores beside published ones",
        head,
        lines,
        frozenset({"ours", "95 % interval", "theirs", "difference"}),
    )


def disagreement_table(disagreements: pl.DataFrame) -> Markup:
    """Responses on which plain math-verify and our rules disagree."""
    if not disagreements.height:
        return paragraph("There are none in this run.")
    head = ["benchmark", "model", "gold", "predicted", "ours", "rule", "math-verify"]
    lines = [
        [
            row["benchmark"],
            row["model"],
            row["gold"],
            row["predicted"],
            _word(right=row["correct"]),
            row["rule"],
            _word(right=row["second_opinion"]),
        ]
        for row in disagreements.head(MOST_SHOWN).iter_rows(named=True)
    ]
    said = paragraph(f"{count(disagreements.height)} responses; {count(len(lines))} are shown.")
    return joined(
        [
            said,
            folded(
                "Disputed verdicts", table("Responses that the two graders judge differently", head, lines)
            ),
        ]
    )


def probe_table(measured: Mapping[str, Any]) -> Markup:
    """How much of the benchmarks the final models' base knows by heart; `measured` are metrics by stage."""
    found = measured["probe"]
    lines = [
        [benchmark, f"{completed:.1f}", f"{found['words'][benchmark]:.1f}"]
        for benchmark, completed in found["completed"].items()
    ]
    head = ["benchmark", "questions completed", "words completed"]
    return table(
        "Questions that the base completes from their beginning, in per cent",
        head,
        lines,
        frozenset(head[1:]),
    )


def _word(*, right: bool) -> str:
    return "equal" if right else "different"


def cost_table(costs: pl.DataFrame) -> Markup:
    """What was asked of models, stage by stage."""
    head = ["stage", "requests", "prompt tokens", "completion tokens", "paid"]
    lines = [
        [
            row["stage"],
            count(row["requests"]),
            count(row["prompt_tokens"]),
            count(row["completion_tokens"]),
            "none" if row["cost_usd"] is None else f"${row['cost_usd']:,.2f}",
        ]
        for row in costs.iter_rows(named=True)
    ]
    return table("Requests, tokens and money by stage", head, lines, frozenset(head[1:]))
