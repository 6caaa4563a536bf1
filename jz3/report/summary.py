"""The first screen: what the run is, its models' scores, what it cost, and how many rows are right."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import yaml
from markupsafe import Markup

from jz3.core.hashing import canonical_json, content_id
from jz3.evaluation.mcnemar import SIGNIFICANT
from jz3.report.rendering import joined, paragraph, render, table
from jz3.report.scores import comparison_table, interval
from jz3.report.writing import count, per_cent
from jz3.tables.certificate_manifest import CertificateManifest

IN_USE = {"params.yaml": "profiles", "graph.yaml": "profiles/graphs"}
"""Files of the profile in use, and the folders with the same file of every profile."""
MOST_COMPARED = 6
"""The most comparisons on the first screen (chosen to fit on it); a section of the page has all."""


def profile_in_use(root: Path) -> str:
    """The profile that these parameters and graph equal by value; otherwise a text that they are no
    profile's.

    DVC watches sections of the parameters rather than these files, which are read only to name the run.
    """
    names = sorted(path.stem for path in (root / "profiles").glob("*.yaml"))
    same = [
        name
        for name in names
        if all(
            _values(root / file) == _values(root / folder / f"{name}.yaml") for file, folder in IN_USE.items()
        )
    ]
    return same[0] if same else "none of the profiles as it stands: its parameters or its graph were edited"


def _values(file: Path) -> object:
    return yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else None


def inputs_digest(measured: Mapping[str, Any], certificates: Iterable[CertificateManifest]) -> str:
    """A digest of every stage's metrics, the certified rows and the items of the benchmarks."""
    digests = [
        part
        for one in certificates
        for part in (one.certified, one.certified_digest, *(check.items_digest for check in one.benchmarks))
    ]
    return content_id(canonical_json(measured), *digests)


def key_figures(facts: Mapping[str, str | Markup], scores: pl.DataFrame, right: pl.DataFrame) -> Markup:
    """`facts` by name, and the few numbers by which a run is judged; `right` has rows of RightRows."""
    return joined([render("facts.html", facts=facts), render("cards.html", cards=_cards(scores, right))])


def first_tables(comparisons: pl.DataFrame, right: pl.DataFrame) -> Markup:
    """Which models differ significantly, and how many rows are right."""
    said = told_apart(comparisons)
    return joined([*([paragraph(said)] if said else []), _compared(comparisons), right_table(right)])


def _cards(scores: pl.DataFrame, right: pl.DataFrame) -> list[dict[str, str]]:
    """The few numbers by which a run is judged."""
    averages = scores.filter(pl.col("group_by") == "average").sort("benchmark", "group", "model")
    cards = [
        {
            "value": f"{row['accuracy']:.1f} %",
            "name": f"{row['model']}: {row['group']}",
            "more": f"95 % interval {row['low']:.1f} to {row['high']:.1f}",
        }
        for row in averages.iter_rows(named=True)
    ]
    return cards + [
        {
            "value": per_cent(row["right_after"] / row["after"]),
            "name": f"problems of {row['recipe']} right in the set of {row['model']}",
            "more": f"{per_cent(row['right_before'] / row['before'])} before curation",
        }
        for row in right.filter(pl.col("kind") == "all").iter_rows(named=True)
    ]


def headline(scores: pl.DataFrame, right: pl.DataFrame) -> list[str]:
    """The same numbers, one per line, for a terminal."""
    return [f"{card['name']}: {card['value']} ({card['more']})" for card in _cards(scores, right)]


def told_apart(comparisons: pl.DataFrame) -> str:
    """The benchmarks, and groups of their families, on which two models differ significantly (exact McNemar
    test at 5 %, corrected for the number of pairs), and those on which they do not; for more than two models,
    how many pairs differ. Empty if no two models were compared.
    """
    tested = comparisons.drop_nulls("p_holm").sort("benchmark", "group", "setting", "model", "against")
    pairs = tested.select("model", "against").unique().height
    if pairs > 1:
        return _counted(tested, pairs)
    apart, alike = (
        [_named(row) for row in tested.filter(known).iter_rows(named=True)]
        for known in (pl.col("p_holm") <= SIGNIFICANT, pl.col("p_holm") > SIGNIFICANT)
    )
    said = [f"Told apart: {', '.join(apart)}."] if apart else []
    return " ".join([*said, f"Not told apart: {', '.join(alike)}."] if alike else said)


def _counted(tested: pl.DataFrame, pairs: int) -> str:
    """For several pairs, how many differ significantly on each benchmark."""
    counts = tested.group_by("benchmark", "group", "setting", maintain_order=True).agg(
        (pl.col("p_holm") <= SIGNIFICANT).sum().alias("apart")
    )
    some, none = counts.filter(pl.col("apart") > 0), counts.filter(pl.col("apart") == 0)
    shown = ", ".join(f"{_on(row)} {row['apart']}" for row in some.iter_rows(named=True))
    said = [f"Of {pairs} pairs of models are told apart: on {shown}."] if shown else []
    alike = ", ".join(_on(row) for row in none.iter_rows(named=True))
    return " ".join([*said, f"None is on {alike}."] if alike else said)


def _on(row: Mapping[str, Any]) -> str:
    group = "" if row["group"] == "all" else f", {row['group']}"
    return f"{row['benchmark']} ({row['setting']}{group})"


def _named(row: Mapping[str, Any]) -> str:
    ahead, behind = (row["model"], row["against"])[:: 1 if row["difference"] >= 0 else -1]
    return f"{_on(row)}, {ahead} {abs(row['difference']):.1f} points above {behind}"


def _compared(comparisons: pl.DataFrame) -> Markup:
    if comparisons.is_empty():
        return paragraph("No two models were compared in this run.")
    # Averages have no p-value and come first, because sorting puts null first.
    surest = comparisons.sort("p_value", "benchmark", "group", "setting", "model", "against").head(
        MOST_COMPARED
    )
    more = (
        "" if surest.height == comparisons.height else f", the {surest.height} surest of {comparisons.height}"
    )
    return comparison_table(surest, f"Models compared on the same items{more}; difference in points")


def right_table(right: pl.DataFrame) -> Markup:
    """Rows that are right according to the checker, for each recipe before curation and in each training
    set.
    """
    if right.is_empty():
        return paragraph(
            "How many rows are right was not measured: only problems of the built-in writer's families can "
            "be checked."
        )
    names = {"cot": "prose", "tool": "tool", "all": "all kinds"}
    lines = [
        [
            render("what.html", name=names[row["kind"]], more=[f"{row['recipe']}, set of {row['model']}"]),
            _of(row["right_before"], row["before"]),
            _of(row["right_after"], row["after"]),
            f"{100 * (row['right_after'] / row['after'] - row['right_before'] / row['before']):+.1f}",
        ]
        for row in right.iter_rows(named=True)
    ]
    head = ["problems", "before curation", "in the set", "points"]
    return table("Rows right by the checker, before and after curation", head, lines, frozenset(head[1:]))


def _of(right: int, rows: int) -> Markup:
    return interval(per_cent(right / rows), f"{count(right)} of {count(rows)}")


def paid(costs: pl.DataFrame) -> str:
    """What was asked of all models, and what it cost."""
    tokens = f"{count(int(costs['completion_tokens'].sum()))} tokens written"
    known = costs["cost_usd"].drop_nulls()
    money = f"${known.sum():,.2f}" if known.len() else "nothing was paid"
    return f"{money}; {count(int(costs['requests'].sum()))} requests, {tokens}"
