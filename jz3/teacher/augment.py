"""A teacher writes problems from seed problems, as a published recipe has it.

Promises: every ask becomes a problem with its lineage, a reject with its rule, or a failure with its reason;
`read` of the ledger counts asks, and seeds that have no gold answer. An ask is paid for once: its draw is
part of its identity, so that more draws ask for the new ones alone, and what a smaller set holds a larger one
holds too. Costs the teacher's price, and what a comparison of answers costs beside it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import dataframely as dy
import polars as pl

from jz3.core.artifacts import InFiles
from jz3.core.execution import Execution
from jz3.generation.chat import ChatFailure, ChatRequest, chat_key
from jz3.tables.failure import Failure
from jz3.tables.ledger import Ledger
from jz3.tables.lineage import Lineage
from jz3.tables.problem import Problem
from jz3.tables.reject import Reject
from jz3.tables.seed_problem import SeedProblem
from jz3.teacher.asks import Ask
from jz3.teacher.declaration import Teacher
from jz3.teacher.recipes import metamath
from jz3.teacher.solutions import Solution, read_solution
from jz3.teacher.teacher import Reply, Spent, Teachers, ask, request_for, spent, teacher_of, whose

SOURCE = "seed"
"""Of the problems, in tables of Problem: what a seed was taken from stands in its own table."""


class AugmentParams(Teachers):
    """A recipe and its teachers."""

    recipe: metamath.MetaMath


class OperatorMetrics(Spent):
    """One operator of a recipe."""

    rows: Ledger


class AugmentMetrics(Spent):
    """What was asked and what came of it. `provider` says whether an LLM wrote it."""

    provider: str
    model: str
    sampling: dict[str, float]
    """Temperature, top_p and the greatest number of tokens."""
    seeds: int
    rows: Ledger
    operators: dict[str, OperatorMetrics]
    """By operator; seeds without a gold answer are in none."""
    kept_by_level: dict[str, int]
    """Those whose seed has no level are left out."""


@dataclass(frozen=True)
class Augmented:
    """Tables of Problem, Lineage, Reject and Failure, and their numbers."""

    problems: pl.DataFrame
    lineage: pl.DataFrame
    rejects: pl.DataFrame
    failures: pl.DataFrame
    metrics: AugmentMetrics


def augment(
    seeds: dy.DataFrame[SeedProblem], prompts: InFiles, params: AugmentParams, execution: Execution
) -> Augmented:
    """Ask for all that the recipe makes of the seeds, and judge it."""
    asked = list(asks_of(seeds, prompts, params))
    requests = [request_of(one, params) for one in asked]
    names = [teacher_of(one.ask_id, params) for one in asked]
    replies = ask(names, requests, params, execution)
    results = _Results({row["seed_id"]: row for row in seeds.iter_rows(named=True)}, params)
    for row in seeds.filter(pl.col("answer").is_null()).iter_rows(named=True):
        results.reject(row["seed_id"], "no_gold", row["question"])
    for one, request, reply in zip(asked, requests, replies, strict=True):
        results.add(one, request, reply)
    teachers = [params.teachers[name] for name in names]
    return results.tables(asked, list(zip(teachers, replies, strict=True)), execution)


def asks_of(seeds: dy.DataFrame[SeedProblem], prompts: InFiles, params: AugmentParams) -> Iterator[Ask]:
    """All asks that need no answer of another one: by draw, then by seed, so that more draws come last."""
    with_gold = seeds.filter(pl.col("answer").is_not_null()).sort("seed_id")
    return metamath.asks(with_gold.iter_rows(named=True), prompts, params.recipe)


def asks_per_seed(params: AugmentParams) -> int:
    """How many asks a seed that has a gold answer takes."""
    return params.recipe.answers


def request_of(one: Ask, params: AugmentParams) -> ChatRequest:
    """What the teacher is sent."""
    return request_for(one.ask_id, one.prompt, params, one.draw)


class _Results:
    """Judged answers, in the order that they are added: of equal ones the first is kept."""

    def __init__(self, seeds: Mapping[str, Mapping[str, Any]], params: AugmentParams) -> None:
        self._seeds, self._params = seeds, params
        self._problems: list[dict[str, Any]] = []
        self._lineage: list[dict[str, Any]] = []
        self._rejects: list[dict[str, str]] = []
        self._failures: list[dict[str, str]] = []
        self._rule_of: dict[str, str] = {}
        """Of each ask that is not kept; empty for one that failed."""
        self._kept_as: dict[tuple[str, str], str] = {}

    def reject(self, row_id: str, rule: str, evidence: str) -> None:
        named = f"{self._params.recipe.name}.{rule}"
        self._rule_of[row_id] = named
        self._rejects.append({"row_id": row_id, "rule": named, "evidence": evidence})

    def add(self, one: Ask, request: ChatRequest, reply: Reply) -> None:
        if isinstance(reply, ChatFailure):
            self._rule_of[one.ask_id] = ""
            failure = {"request_id": chat_key(request), "row_id": one.ask_id, "reason": reply.reason}
            self._failures.append(failure)
            return
        read = read_solution(reply, one.expected)
        if not isinstance(read, Solution):
            self.reject(one.ask_id, read.rule, read.evidence)
            return
        same = self._kept_as.setdefault((one.question, " ".join(read.text.split())), one.ask_id)
        if same != one.ask_id:
            self.reject(one.ask_id, "repeated", same)
            return
        self._keep(one, read)

    def _keep(self, one: Ask, read: Solution) -> None:
        seed = self._seeds[one.seed_ids[0]]
        self._problems.append(
            {
                "problem_id": one.ask_id,
                "prompt_id": None,
                "passage_id": None,
                "source": SOURCE,
                "level": seed["level"],
                "kind": "cot",
                "subject": seed["subject"],
                "problem": one.question,
                "solution": read.text,
                "answer": read.answer,
            }
        )
        named = {name: getattr(one, name) for name in ("recipe", "operator", "variant", "draw")}
        held = {"expected": one.expected, "expected_from": one.expected_from}
        origin = {"seed_ids": list(one.seed_ids), "parent_ids": list(one.parent_ids)}
        self._lineage.append({"problem_id": one.ask_id, **named, **origin, **held})

    def tables(
        self, asked: list[Ask], replies: list[tuple[Teacher, Reply]], execution: Execution
    ) -> Augmented:
        without_gold = [rule for row, rule in self._rule_of.items() if row in self._seeds]
        ids = [one.ask_id for one in asked]
        operators: dict[str, list[int]] = {}
        for place, one in enumerate(asked):
            operators.setdefault(one.operator, []).append(place)
        metrics = AugmentMetrics(
            **vars(spent(replies, execution)),
            **whose(self._params),
            seeds=len(self._seeds),
            rows=self._ledger(ids, without_gold),
            operators={
                name: OperatorMetrics(
                    **vars(spent([replies[place] for place in places], execution)),
                    rows=self._ledger([ids[place] for place in places], []),
                )
                for name, places in sorted(operators.items())
            },
            kept_by_level=dict(
                sorted(Counter(row["level"] for row in self._problems if row["level"]).items())
            ),
        )
        return Augmented(
            problems=pl.DataFrame(self._problems, schema=Problem.create_empty().schema),
            lineage=pl.DataFrame(self._lineage, schema=Lineage.create_empty().schema),
            rejects=pl.DataFrame(self._rejects, schema=Reject.create_empty().schema),
            failures=pl.DataFrame(self._failures, schema=Failure.create_empty().schema),
            metrics=metrics,
        )

    def _ledger(self, ids: list[str], others: list[str]) -> Ledger:
        """Of asks, and of other rows that were rejected by these rules."""
        rules = [self._rule_of[row] for row in ids if row in self._rule_of]
        return Ledger(
            read=len(ids) + len(others),
            kept=len(ids) - len(rules),
            rejected=dict(sorted(Counter([*filter(None, rules), *others]).items())),
            failed=rules.count(""),
        )
