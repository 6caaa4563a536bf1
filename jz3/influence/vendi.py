"""How many different directions a set of problems has: G-Vendi, from their sketches.

The Vendi score (arXiv 2210.02410) of n problems is exp(entropy of the eigenvalues of K / n), where K is the
cosines between them: n for problems that have nothing in common, 1 for n copies of one. G-Vendi (arXiv
2505.20161) applies it to gradients of a small model; here it applies to the directions that `sketch` kept,
and K is averaged over checkpoints. It is an estimate: sketches of size S change each cosine by about 1 /
sqrt(S), which adds a little entropy, so compare only sets of similar size with equal sketch parameters. Costs
the sketches of the set in memory, n^2 x size for the cosines and n^3 for the eigenvalues: seconds for a
thousand problems.

Shapes: N problems, S numbers of a sketch.
"""

# ruff: noqa: N803, N806 (names of arrays end in their shape)

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from jz3.core.artifacts import In
from jz3.core.errors import UserError
from jz3.tables.sketch import Sketch, SketchFacts

ROWS_AT_ONCE = 2_000
"""Sketches that are read together (chosen: of 8,192 numbers, 65 MB in single precision)."""

Floats = NDArray[np.float32]


class VendiError(UserError):
    """No problem of a set has a sketch."""


@dataclass(frozen=True)
class Vendi:
    """The score of the `sketched` problems; `without` have no sketch, or one of length 0."""

    score: float
    sketched: int
    without: int
    at_checkpoints: dict[str, float]
    """The score by the cosines at each checkpoint alone."""


def vendi(sketches: In[Sketch], problem_ids: Collection[str]) -> Vendi:
    """The score of a set. Raises VendiError if none of its problems has a sketch."""
    wanted = set(problem_ids)
    at = sketches_of(sketches, wanted)
    known = known_everywhere(at)
    if not known:
        raise VendiError(
            f"none of the {len(wanted)} problems has a sketch in {sketches.path}; problems of the candidates "
            f"were expected. Give a table of these, or raise sketch.share."
        )
    cosines = {name: cosines_of(np.stack([of_one[key] for key in known])) for name, of_one in at.items()}
    mean_NN = np.mean(list(cosines.values()), axis=0)
    return Vendi(
        score_of(mean_NN),
        len(known),
        len(wanted) - len(known),
        {name: score_of(cosines_NN) for name, cosines_NN in cosines.items()},
    )


def score_of(cosines_NN: NDArray[np.floating]) -> float:
    """exp(-sum p ln p), where p are the eigenvalues of K / n, which add up to 1."""
    shares_N = np.linalg.eigvalsh(cosines_NN.astype(np.float64) / len(cosines_NN))
    shares_N = shares_N[shares_N > 0]  # rounding makes some slightly negative
    return float(np.exp(-(shares_N * np.log(shares_N)).sum()))


def cosines_of(sketches_NS: Floats) -> Floats:
    """[N, N] cosines of rows other than zero; the diagonal is 1 up to rounding."""
    unit_NS = sketches_NS / np.linalg.norm(sketches_NS, axis=1, keepdims=True)
    return unit_NS @ unit_NS.T


def sketches_of(sketches: In[Sketch], problem_ids: Collection[str]) -> dict[str, dict[str, Floats]]:
    """Sketches of length above 0, by checkpoint and problem."""
    size = SketchFacts.model_validate(sketches.notes()).size
    wanted = list(problem_ids)
    found: dict[str, dict[str, Floats]] = {}
    for frame in sketches.frames(ROWS_AT_ONCE):
        rows = frame.filter(pl.col("problem_id").is_in(wanted))
        for checkpoint, problem_id, halves in rows.select("checkpoint", "problem_id", "halves").iter_rows():
            numbers = np.frombuffer(halves, "<f2", count=size).astype(np.float32)
            if numbers.any():
                found.setdefault(checkpoint, {})[problem_id] = numbers
    return found


def known_everywhere(at: dict[str, dict[str, Floats]]) -> list[str]:
    """The problems that `sketches_of` has at every checkpoint, sorted."""
    return sorted(set.intersection(*(set(of_one) for of_one in at.values()))) if at else []
