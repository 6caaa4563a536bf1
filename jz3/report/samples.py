"""Samples of the final sets, each with its real output and its verdict, and rejected problems.

Both are drawn by hash, not chosen: EACH rows of each level (and of the rows without one), OF_RULE rows of
each rule that rejects. Of all rows only the ids are read, of the drawn ones the texts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from markupsafe import Markup

from jz3.core.artifacts import In
from jz3.core.fan_in import InTables
from jz3.core.hashing import draw_order
from jz3.curation.verdicts import rules_by_row
from jz3.report.rendering import render
from jz3.report.rows import Card, Choice, Group, rows_section
from jz3.report.writing import count, paragraphs, prose, written
from jz3.tables.checked_problem import CheckedProblem
from jz3.tables.execution_result import ExecutionResult
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.training_row import TrainingRow
from jz3.tables.verdict import Verdict
from jz3.tables.words import KINDS, LEVELS, in_order

EACH = 10  # chosen: some screens per level, and enough to notice a share of one half
OF_RULE = 2  # chosen: shows what a rule rejects, and that it is no accident
SEED = 0  # chosen: any will do; it only changes which rows are looked at
NO_LEVEL = "no level"
NONE_OF_LEVEL = "There is no row of this level in the final sets."
OF_REJECTED = "Up to two problems that each rule took. They are in no final set."

RIGHT, WRONG, UNKNOWN = "right", "wrong", "unknown"
SAID = {
    RIGHT: "right: the answer is the exact one of the checker",
    WRONG: "wrong: the checker's exact answer is another",
    UNKNOWN: "unknown: the checker cannot read this problem",
}


RUN, CLAIMED = "output of the program, as run", "output as the solution claims it"

_VERDICT = pl.when(pl.col("family").is_not_null()).then("right")
"""Null for a problem that the checker cannot read, which the shares count as not right."""


@dataclass(frozen=True)
class Recipe:
    """The tables about a recipe's problems; verdicts are in the order of their stages."""

    problems: In[Problem]
    results: In[ExecutionResult]
    checked: In[CheckedProblem]
    verdicts: Sequence[In[Verdict]]


@dataclass(frozen=True)
class Samples:
    """Drawn rows. `kept`: columns of TrainingRow, `sets`, `level_name`, `right`, and those of the passage.

    `rejected`: columns of Problem, `rule`, `evidence`, `right`, and `status` and `printed` of its program.
    """

    kept: pl.DataFrame
    rejected: pl.DataFrame
    rows: int
    """Rows of all final sets, each id counted once."""


def recipes_of(
    problems: InTables[Problem],
    results: InTables[ExecutionResult],
    checked: InTables[CheckedProblem],
    verdicts: Sequence[InTables[Verdict]],
) -> dict[str, Recipe]:
    """Every recipe by its name; `verdicts` are in the order of their stages, with a table for each recipe."""
    by_stage = [one.tables() for one in verdicts]
    ran, judged = results.tables(), checked.tables()
    return {
        name: Recipe(table, ran[name], judged[name], [tables[name] for tables in by_stage])
        for name, table in problems.tables().items()
    }


def draw_samples(
    training: Mapping[str, In[TrainingRow]], recipes: Mapping[str, Recipe], origins: Sequence[In[Passage]]
) -> Samples:
    """Draw rows of the final sets, and rejected problems of every recipe."""
    ids, kept = _kept(training)
    judged = [one.checked.scan() for one in recipes.values()]
    right = pl.concat([CheckedProblem.create_empty().lazy(), *judged]).select("problem_id", _VERDICT)
    of_problem = pl.concat(
        [
            Problem.create_empty().lazy().select("problem_id", "passage_id"),
            *(one.problems.scan().select("problem_id", "passage_id") for one in recipes.values()),
        ]
    )
    passages = (
        pl.concat([Passage.create_empty().lazy(), *(one.scan() for one in origins)])
        .select("passage_id", "origin", "licence", "text")
        .unique("passage_id", maintain_order=True)
    )
    shown = (
        kept.lazy()
        .join(right, left_on="row_id", right_on="problem_id", how="left")
        .join(of_problem, left_on="row_id", right_on="problem_id", how="left")
        .join(passages, on="passage_id", how="left")
        .sort("place")
        .collect()
    )
    rejected = pl.concat([_none_rejected(), *(_rejected(one) for one in recipes.values())])
    return Samples(shown, rejected.sort("rule", "order", "problem_id"), ids)


def _kept(training: Mapping[str, In[TrainingRow]]) -> tuple[int, pl.DataFrame]:
    """The number of ids in all sets, and the drawn rows with the names of the sets that contain them."""
    keys = pl.concat(
        [
            TrainingRow.create_empty().select("row_id", "level").with_columns(set=pl.lit("")),
            *(
                table.scan().select("row_id", "level").collect().with_columns(set=pl.lit(name))
                for name, table in training.items()
            ),
        ]
    )
    held = keys.group_by("row_id", maintain_order=True).agg(pl.col("level").first(), sets="set")
    drawn = _first(
        held.with_columns(level_name=pl.col("level").fill_null(NO_LEVEL)),
        "row_id",
        "level_name",
        EACH,
    )
    drawn = drawn.select("row_id", "sets", "level_name", "place")
    found = [
        table.scan().join(drawn.lazy(), on="row_id", how="inner").collect() for table in training.values()
    ]
    rows = pl.concat(found).unique("row_id", keep="first", maintain_order=True)
    return held.height, rows


def _first(rows: pl.DataFrame, key: str, group: str, most: int) -> pl.DataFrame:
    """The first rows of each group by hash, with their `order` and their `place` among all."""
    order = pl.Series("order", [draw_order(SEED, row_id) for row_id in rows[key]], dtype=pl.Int64)
    ranked = rows.with_columns(order).sort("order", key).group_by(group, maintain_order=True).head(most)
    return ranked.with_row_index("place")


def _none_rejected() -> pl.DataFrame:
    """An empty table of rejected rows."""
    added = {"rule": pl.String, "evidence": pl.String, "order": pl.Int64, "right": pl.Boolean}
    added |= {"status": pl.String, "printed": pl.String}
    return Problem.create_empty().with_columns(pl.lit(None, kind).alias(name) for name, kind in added.items())


def _rejected(recipe: Recipe) -> pl.DataFrame:
    tables = [table.read() for table in recipe.verdicts]
    drawn = _first(rules_by_row(tables), "problem_id", "rule", OF_RULE).select("problem_id", "rule", "order")
    evidence = pl.concat(tables).select("rule", "evidence", problem_id="row_id")
    printed = recipe.results.scan().select("problem_id", "status", printed="output")
    rows = (
        recipe.problems.scan()
        .join(drawn.lazy(), on="problem_id", how="inner")
        .join(evidence.lazy(), on=["problem_id", "rule"], how="left")
        .join(recipe.checked.scan().select("problem_id", _VERDICT), on="problem_id", how="left")
        .join(printed, on="problem_id", how="left")
        .collect()
    )
    return rows.select(_none_rejected().columns)


def sample_section(samples: Samples) -> Markup:
    """A filter, rows of the final sets by level, and rejected problems by rule."""
    levels = {
        level: [_kept_card(row) for row in rows.iter_rows(named=True)]
        for level in (*in_order({*LEVELS, *samples.kept["level_name"]} - {NO_LEVEL}), NO_LEVEL)
        for rows in [samples.kept.filter(pl.col("level_name") == level)]
    }
    groups = [
        Group(cards, level, "" if cards else NONE_OF_LEVEL, f"level-{number}")
        for number, (level, cards) in enumerate(levels.items(), start=1)
    ]
    rejected = [_rejected_card(row) for row in samples.rejected.iter_rows(named=True)]
    choices = [
        Choice("verdict", "Verdict", {name: name for name in (RIGHT, WRONG, UNKNOWN, "rejected")}),
        Choice("level", "Level", {level: level for level, cards in levels.items() if cards}),
        Choice("kind", "Kind", {kind: _kind_word(kind) for kind in KINDS}),
    ]
    note = (
        f"{count(samples.kept.height)} of the {count(samples.rows)} rows of the final sets, drawn by hash "
        "and not chosen: up to ten of each level. Tool rows show what their program printed when it was run. "
        "The badge is the checker's, which no rule of curation sees."
    )
    by_rule = Group(rejected, "Rejected, by rule", OF_REJECTED, "rejected")
    return rows_section(note, [*groups, by_rule], choices)


def _verdict(right: bool | None) -> str:  # noqa: FBT001 (a column's value)
    return UNKNOWN if right is None else RIGHT if right else WRONG


def _kind_word(kind: str) -> str:
    return "prose" if kind == "cot" else kind


def _kept_card(row: Mapping[str, Any]) -> Card:
    was_run = row["part"] == "pretrain" and row["kind"] == "tool"
    from_passage = row["text"] is not None
    where = f"Source passage: {row['source']}, {row['origin']}, {row['licence']}" if from_passage else ""
    verdict = _verdict(row["right"])
    return Card(
        head=_head(row, row["row_id"], ""),
        note=f"{row['part']} row of {', '.join(row['sets'])}, source {row['source']}",
        keys={"verdict": verdict, "level": row["level_name"], "kind": row["kind"]},
        body=render(
            "sample_body.html",
            problem=prose(row["input"]),
            solution=written(row["output"], output=RUN if was_run else CLAIMED),
            where=where,
            passage=paragraphs(row["text"] or ""),
            status=None,
        ),
    )


def _rejected_card(row: Mapping[str, Any]) -> Card:
    evidence = f"; evidence: {row['evidence']}" if row["evidence"] else ""
    return Card(
        head=_head(row, row["problem_id"], row["rule"]),
        note=f"{_kind_word(row['kind'])}, source {row['source']}{evidence}",
        keys={"verdict": "rejected", "level": "", "kind": row["kind"]},
        body=render(
            "sample_body.html",
            problem=prose(row["problem"]),
            solution=written(row["solution"], output=CLAIMED),
            where="",
            status=row["status"],
            printed=row["printed"],
        ),
    )


def _head(row: Mapping[str, Any], row_id: str, rule: str) -> Markup:
    verdict = _verdict(row["right"])
    return render(
        "sample_head.html",
        rule=rule,
        verdict=verdict,
        said=SAID[verdict],
        kind=_kind_word(row["kind"]),
        id=row_id,
    )
