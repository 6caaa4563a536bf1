"""Choices of candidates by each selector and by chance, and what a model learns from each.

A model is trained on a choice alone, as the profile's warm-up trains, and its loss is measured on new
problems of the writer, which no selector saw: of the targets' families, and of the others. Costs a warm-up
for each choice and seed; what a model learnt is kept, so that a run can be resumed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.selecting.retraining import identity
from benchmarks.selecting.scoring import Scored
from benchmarks.selecting.settings import Setting
from jz3.core.hashing import canonical_json, content_id
from jz3.influence.share import draw
from jz3.tables.target import Target
from jz3.writer.family import Family
from jz3.writer.splits import draw_of_part
from jz3.writer.write import Kind, write_draw

Array = NDArray[np.float64]
FIRST_CHANCE = 3_000
"""Seed of the first random draw (chosen: distinct from those of subsets, of the pool and of the warm-up)."""
A_FAMILY_AND_KIND = 2
"""New problems of each family and kind (chosen: 256 of 64 families; their loss costs a second)."""
MULTIPLES = (1.0, 1.5, 2.0)
"""Sizes of the random choices, in multiples of the count (chosen: twice as many problems cost twice the
training).
"""


@dataclass(frozen=True)
class Choice:
    """What a model is trained on with a seed. `selector` is a name of `scored`, or CHANCE."""

    selector: str
    size: int
    seed: int
    problems: pl.DataFrame


CHANCE = "chance"


def with_new_problems(setting: Setting, families: Sequence[Family], kinds: Sequence[Kind]) -> Setting:
    """The setting with new problems of these families as its targets, by target_id."""
    rows: list[dict[str, str]] = []
    for family in families:
        for kind in kinds:
            for number in range(A_FAMILY_AND_KIND):
                key = f"choices {family.name} {kind} {number}"
                written = write_draw(family, kind, draw_of_part(family, "benchmark", key), key)
                rows.append(
                    {
                        "target_id": f"{family.name} {kind} {number}",
                        "task": "new",
                        "kind": kind,
                        "subject": family.name,
                        "question": written.problem,
                        "solution": written.solution,
                    }
                )
    frame = pl.DataFrame(rows, schema=Target.create_empty().schema).sort("target_id")
    return replace(setting, targets=Target.validate(frame))


def best(problems: pl.DataFrame, scores: Array, count: int) -> pl.DataFrame:
    """The candidates of highest score ([N, Q]) over the queries, ties by id, as `select` chooses by
    values.
    """
    order = pl.Series(scores.max(axis=1))
    ranked = problems.with_columns(order=order).sort("order", "problem_id", descending=[True, False])
    return ranked.head(count).drop("order").sort("problem_id")


def choices(
    setting: Setting, found: Mapping[str, Scored], selectors: Sequence[str], count: int, seed: int
) -> Iterator[Choice]:
    """With one seed: the choice of each selector, and random choices of several sizes, each containing the
    smaller.
    """
    for name in selectors:
        yield Choice(name, count, seed, best(setting.problems, found[name].scores[0], count))
    rows = setting.problems.height
    for size in sorted({min(rows, round(count * multiple)) for multiple in MULTIPLES}):
        yield Choice(CHANCE, size, seed, draw(setting.problems, (size - 0.5) / rows, FIRST_CHANCE + seed))


def kept_in(setting: Setting, choice: Choice, work: Path) -> Path:
    """The file of what a model learns from a choice, named by everything that decides it."""
    rows = choice.problems.select("problem_id", "kind", "problem", "solution").write_json()
    key = content_id(canonical_json(identity(setting) | {"problems": content_id(rows), "seed": choice.seed}))
    return work / f"{setting.name}-choices" / f"{key}.json"
