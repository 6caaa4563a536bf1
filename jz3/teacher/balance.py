"""A recipe of right solutions, as many for each problem as its difficulty calls for (DART-Math).

It reads a solver's answers: `solve` with the same quota has drawn as many as are needed, and one pool of
attempts serves several balances. Promises: every attempt becomes a problem with its lineage, or a reject with
its rule; the thought before a kept solution is kept with it; nothing is asked. Costs the reading of the
attempts.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import dataframely as dy
import polars as pl
from pydantic import BaseModel, Field

from jz3.core.hashing import content_id
from jz3.core.params import Params
from jz3.notation.thoughts import split_thought
from jz3.tables.attempt import Attempt
from jz3.tables.ledger import Ledger
from jz3.tables.lineage import Lineage
from jz3.tables.pass_rate import PassRate
from jz3.tables.problem import Problem
from jz3.tables.reject import Reject
from jz3.tables.thought import Thought
from jz3.teacher.quotas import QuotaParams, quotas, solution_of, verdicts
from jz3.teacher.solutions import Solution
from jz3.text.problem_text import EVIDENCE_CHARACTERS

OPERATOR = "solve"


class BalanceParams(Params):
    """How many solutions of each problem are kept."""

    name: str = Field(min_length=1)
    """The name of the recipe."""
    quota: QuotaParams


class BalanceMetrics(BaseModel):
    """Rows are attempts."""

    rows: Ledger
    problems: int
    wanted: int
    """Solutions wanted, over all problems."""
    short: int
    """Problems with fewer solutions than wanted: out of draws, or not drawn for this quota."""
    kept_by_level: dict[str, int]
    """Kept solutions by level; those of problems without a level are left out."""


@dataclass(frozen=True)
class Balanced:
    """Tables of Problem, Thought, Lineage and Reject, and the metrics."""

    problems: pl.DataFrame
    thoughts: pl.DataFrame
    lineage: pl.DataFrame
    rejects: pl.DataFrame
    metrics: BalanceMetrics


def balance(
    problems: dy.DataFrame[Problem],
    attempts: dy.DataFrame[Attempt],
    rates: dy.DataFrame[PassRate],
    params: BalanceParams,
) -> Balanced:
    """The first right solutions of each problem, up to its quota."""
    wanted = quotas(rates, params.quota)
    found = attempts.join(verdicts(attempts, wanted), on=["problem_id", "draw"]).sort("problem_id", "draw")
    asked = {row["problem_id"]: row for row in problems.iter_rows(named=True)}
    kept, thoughts, lineage, rejects = [], [], [], []
    for row in found.iter_rows(named=True):
        problem = asked[row["problem_id"]]
        if row["rule"] is None:
            new_id = content_id(params.name, OPERATOR, row["problem_id"], "", str(row["draw"]))
            kept.append(_solved(problem, row, new_id))
            lineage.append(_lineage(problem, row, new_id, params.name))
            thought = (row["reasoning"] or split_thought(row["text"])[0]).strip()
            if thought:
                thoughts.append({"problem_id": new_id, "thought": thought})
        else:
            place = f"{row['problem_id']}/{row['draw']}"
            rejects.append(
                {
                    "row_id": place,
                    "rule": f"balance.{row['rule']}",
                    "evidence": row["text"][-EVIDENCE_CHARACTERS:],
                }
            )
    of_problem = Counter(row["problem_id"] for row in found.iter_rows(named=True) if row["rule"] is None)
    targets = dict(wanted.select("problem_id", "target").iter_rows())
    return Balanced(
        problems=pl.DataFrame(kept, schema=Problem.create_empty().schema),
        thoughts=pl.DataFrame(thoughts, schema=Thought.create_empty().schema),
        lineage=pl.DataFrame(lineage, schema=Lineage.create_empty().schema),
        rejects=pl.DataFrame(rejects, schema=Reject.create_empty().schema),
        metrics=BalanceMetrics(
            rows=Ledger(
                read=attempts.height,
                kept=len(kept),
                rejected=dict(sorted(Counter(row["rule"] for row in rejects).items())),
                failed=0,
            ),
            problems=len(targets),
            wanted=sum(targets.values()),
            short=sum(of_problem[name] < target for name, target in targets.items()),
            kept_by_level=dict(sorted(Counter(row["level"] for row in kept if row["level"]).items())),
        ),
    )


def _solved(problem: dict[str, Any], attempt: dict[str, Any], new_id: str) -> dict[str, Any]:
    solution = solution_of(attempt)
    assert isinstance(solution, Solution), solution
    row = {"problem_id": new_id, "kind": "cot", "solution": solution.text, "answer": solution.answer}
    return problem | row


def _lineage(problem: dict[str, Any], attempt: dict[str, Any], new_id: str, recipe: str) -> dict[str, Any]:
    return {
        "problem_id": new_id,
        "recipe": recipe,
        "operator": OPERATOR,
        "seed_ids": [problem["problem_id"]],
        "parent_ids": [],
        "variant": "",
        "draw": attempt["draw"],
        "expected": problem["answer"],
        "expected_from": "gold",
    }
