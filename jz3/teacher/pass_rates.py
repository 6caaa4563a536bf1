"""Judges the draws of a solver and counts them by problem.

A draw is right if its last box is the problem's answer, by the grader of the benchmarks; thoughts and
programs are ignored. The vote counts equal answers by the same rule; a draw without a box has no vote.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dataframely as dy
import polars as pl

from jz3.answers.equality import POLICY, equal_with
from jz3.answers.extract import extract_strict
from jz3.answers.symbolic import Symbolic
from jz3.answers.votes import Groups, winner
from jz3.tables.attempt import Attempt
from jz3.tables.pass_rate import PassRate


@dataclass(frozen=True)
class Drawn:
    """An answer to a problem, not judged yet."""

    problem_id: str
    draw: int
    text: str
    reasoning: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int


class Judge:
    """Judges answers as they come, those of each problem in the order of its draws.

    `golds` has the answer of each problem, or None.
    """

    def __init__(self, golds: Mapping[str, str | None], solver: str, symbolic: Symbolic) -> None:
        self._golds, self._solver, self._symbolic = golds, solver, symbolic
        self._groups: dict[str, Groups] = {}

    def judged(self, drawn: Iterable[Drawn]) -> list[dict[str, Any]]:
        """Rows of Attempt, sorted by problem and draw."""
        return [self._judged(one) for one in sorted(drawn, key=lambda one: (one.problem_id, one.draw))]

    def _judged(self, one: Drawn) -> dict[str, Any]:
        gold, answer = self._golds[one.problem_id], extract_strict(one.text).answer
        groups = self._groups.setdefault(one.problem_id, Groups(self._same))
        return {
            **vars(one),
            "solver": self._solver,
            "answer": answer,
            "right": None if gold is None else answer is not None and self._same(gold, answer),
            "same_as": groups.add(one.draw, answer),
        }

    def _same(self, first: str, other: str) -> bool:
        return equal_with(first, other, POLICY, self._symbolic).equal


def pass_rates(
    attempts: dy.DataFrame[Attempt], golds: Mapping[str, str | None], solver: str
) -> dy.DataFrame[PassRate]:
    """A row for each problem of `golds`, including those without a draw."""
    by_problem: dict[str, list[dict[str, Any]]] = {problem_id: [] for problem_id in sorted(golds)}
    for row in attempts.sort("problem_id", "draw").iter_rows(named=True):
        by_problem[row["problem_id"]].append(row)
    rows = [
        {"problem_id": problem_id, "solver": solver, **_counted(draws, known=golds[problem_id] is not None)}
        for problem_id, draws in by_problem.items()
    ]
    return PassRate.validate(pl.DataFrame(rows, schema=PassRate.create_empty().schema))


def _counted(draws: Sequence[Mapping[str, Any]], *, known: bool) -> dict[str, Any]:
    right = sum(bool(row["right"]) for row in draws) if known else None
    chosen = winner([row["same_as"] for row in draws])
    first = next((row for row in draws if chosen and row["draw"] == chosen[0]), None)
    votes = chosen[1] if chosen else 0
    return {
        "draws": len(draws),
        "right": right,
        "rate": right / len(draws) if draws and right is not None else None,
        "voted": first and first["answer"],
        "votes": votes,
        "share": votes / len(draws) if draws else None,
        "voted_right": bool(first and first["right"]) if known else None,
    }
