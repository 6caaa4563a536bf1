"""Candidates in an order whose every first part is diverse: each adds what those before it lack.

The order is greedy for the Vendi score of order 2, exp of the collision entropy of the eigenvalues of K / n
(arXiv 2310.12952), where K is the cosines of the candidates' directions: for n problems that score is n^2
over the sum of all squared cosines, so the next problem is the one whose squared cosines with those before it
have the smallest sum; ties go to the smallest id. G-Vendi (jz3/influence/vendi.py) is the same with order 1,
for which there is no such step. Targets play no part: a value says what a problem adds, not what it is good
for. Costs the sketches in memory and, for each place that is chosen greedily, a product of all of them with
one.

Shapes: N problems, S numbers of all checkpoints' sketches.
"""

# ruff: noqa: N803, N806 (names of arrays end in their shape)

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from jz3.core.artifacts import In
from jz3.core.hashing import draw_order
from jz3.core.params import Params, Seed
from jz3.influence.vendi import Floats, known_everywhere, score_of, sketches_of
from jz3.tables.ledger import Ledger
from jz3.tables.sketch import Sketch
from jz3.tables.value import Value

METHOD = "g_vendi"
NO_DIRECTION = "diversify.no_direction"


class DiversifyParams(Params):
    """Section `diversify`."""

    count: int = Field(ge=1)
    """Places that are chosen greedily; the others are sorted by their squared cosines with these, smallest
    first.
    """
    seed: Seed
    """The seed of the draw with which the metrics compare the first `count`."""


class DiversifyMetrics(BaseModel):
    """`rows` are the sketched problems."""

    rows: Ledger
    vendi: float
    """G-Vendi of the first `count` problems."""
    vendi_drawn: float
    """G-Vendi of as many problems drawn by hash."""


@dataclass(frozen=True)
class Diverse:
    """Rows of Value, and the metrics."""

    values: pl.DataFrame
    metrics: DiversifyMetrics


def diversify(sketches: In[Sketch], params: DiversifyParams) -> Diverse:
    """A value for each problem that has a direction at every checkpoint: 1 for the first place, decreasing
    evenly to 1 / n for the last.
    """
    table = (
        sketches.scan()
        .group_by("problem_id")
        .agg(pl.col("solution_tokens").first())
        .sort("problem_id")
        .collect()
    )
    at = sketches_of(sketches, table["problem_id"].to_list())
    known = known_everywhere(at)
    unit_NS = _unit(at, known)
    order = diverse_order(unit_NS, params.count)
    places = pl.DataFrame(
        {"problem_id": [known[row] for row in order], "place": range(len(order))},
        schema={"problem_id": pl.String, "place": pl.Int64},
    )
    ranked = table.join(places, on="problem_id").with_columns(
        value=1 - pl.col("place") / max(1, len(order)), method=pl.lit(METHOD)
    )
    values = pl.concat([Value.create_empty(), ranked.drop("place")], how="diagonal").sort("problem_id")
    drawn = sorted(range(len(known)), key=lambda row: (draw_order(params.seed, known[row]), known[row]))
    rejected = {NO_DIRECTION: table.height - len(known)} if table.height > len(known) else {}
    return Diverse(
        values,
        DiversifyMetrics(
            rows=Ledger(read=table.height, kept=len(known), rejected=rejected, failed=0),
            vendi=_vendi(unit_NS, order[: params.count]),
            vendi_drawn=_vendi(unit_NS, drawn[: params.count]),
        ),
    )


def diverse_order(unit_NS: Floats, count: int) -> list[int]:
    """All rows: the first `count` chosen greedily, the rest by their sum of squared cosines with these."""
    sums_N = np.zeros(len(unit_NS))
    is_left_N = np.ones(len(unit_NS), dtype=bool)
    order: list[int] = []
    for _ in range(min(count, len(unit_NS))):
        row = int(np.where(is_left_N, sums_N, np.inf).argmin())
        order.append(row)
        is_left_N[row] = False
        sums_N += (unit_NS @ unit_NS[row]).astype(np.float64) ** 2
    rest: NDArray[np.int64] = np.flatnonzero(is_left_N)
    return [*order, *rest[np.argsort(sums_N[rest], kind="stable")].tolist()]


def _unit(at: dict[str, dict[str, Floats]], known: list[str]) -> Floats:
    """[N, S]: rows of length 1, whose inner products are the cosines averaged over checkpoints."""
    parts: list[Floats] = []
    for name in sorted(at):
        rows = np.stack([at[name][key] for key in known]) if known else np.zeros((0, 1), np.float32)
        parts.append(rows / np.linalg.norm(rows, axis=1, keepdims=True) / np.float32(len(at) ** 0.5))
    return np.concatenate(parts, axis=1) if parts else np.zeros((0, 1), np.float32)


def _vendi(unit_NS: Floats, rows: list[int]) -> float:
    """The score of these rows; 0 if there are none."""
    return round(score_of(unit_NS[rows] @ unit_NS[rows].T), 6) if rows else 0.0
