"""A solver answers each problem several times: how hard the problem is for it, and its most frequent answer.

Promises: a draw is named only by problem and number, so that more draws ask only for the new ones, and
neither the order of the problems nor other problems matter; every draw becomes an attempt or a failure with
its reason; every problem that is not asked is listed with its rule (jz3/teacher/answerable.py). The solver is
a model of the graph under any engine, or a teacher. With a quota, problems are drawn until each has the right
solutions that its difficulty calls for (jz3/teacher/quotas.py); pass rates use only the first draws, because
a count that stops at the right number is no rate. Costs one completion per draw, kept in the row store. Holds
the table and its answers in memory.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import dataframely as dy
import polars as pl
from pydantic import BaseModel, Field, model_validator

from jz3.answers.symbolic import Symbolic
from jz3.core.artifacts import InDir, InFiles
from jz3.core.counts import counts
from jz3.core.execution import Execution
from jz3.core.params import Params
from jz3.tables.attempt import Attempt
from jz3.tables.failure import Failure
from jz3.tables.lacking import Lacking
from jz3.tables.ledger import Ledger
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.pass_rate import PassRate
from jz3.tables.problem import Problem
from jz3.teacher.answerable import Only, asked_of, unsolved
from jz3.teacher.asks import AcrossSeedsError, read_prompt
from jz3.teacher.budget import TokensOf, within
from jz3.teacher.pass_rates import Judge, pass_rates
from jz3.teacher.quotas import QuotaParams, Usable, after_round, next_draws, quotas
from jz3.teacher.solvers import Answer, Asked, Draw, ModelSolver, TeacherSolver, answering
from jz3.teacher.teacher import Spent, spent

QUESTION = "{question}"


class DrawnQuota(QuotaParams):
    """Problems are drawn until each has as many right solutions as its pass rate calls for."""

    most_draws: int = Field(ge=1)
    """The most draws of one problem, including the first ones."""


class SolveParams(Params):
    """Who answers each problem, and how often."""

    name: str = Field(min_length=1)
    """The name in the tables."""
    only: Only | None
    """Which problems are asked; null: all."""
    draws: int = Field(ge=1)
    """Answers to each problem, from which its pass rate is computed."""
    quota: DrawnQuota | None
    """Draws beyond these; null: none."""
    prompt: str = Field(min_length=1)
    """The file under `data/solvers` with the prompt for a question."""
    symbolic_seconds: float = Field(gt=0)
    """CPU seconds that sympy gets for one pair; after that the answers count as different."""
    solver: Annotated[ModelSolver | TeacherSolver, Field(discriminator="kind")]

    @model_validator(mode="after")
    def _draws_differ(self) -> "SolveParams":
        most = self.draws if self.quota is None else self.quota.most_draws
        if most < self.draws:
            raise ValueError(f"most_draws {most} is below draws {self.draws}, which are among them")
        if isinstance(self.solver, ModelSolver) and self.solver.temperature == 0 and most > 1:
            raise ValueError(f"{most} draws at temperature 0 are one answer; 1 draw, or more temperature")
        return self


class SolveMetrics(BaseModel):
    """Rows are draws: kept are those that were answered; the first draws of problems beyond the budget are
    rejected by `solve.budget`, and their pass rates say 0 draws. Shares are over the first draws of problems
    that have an answer; None if no problem has one.
    """

    solver: str
    model: str
    """Digest of the weights, or the teacher's name for its model."""
    problems: int
    """Problems that are asked."""
    not_asked: dict[str, int]
    """Problems not asked, by the rule of `only`."""
    known: int
    """Problems that have an answer."""
    draws: int
    """Draws of each problem, without those of a quota."""
    rows: Ledger
    boxed: float
    """Share of the answered draws that end in a box."""
    pass_rate: float | None
    """Mean pass rate over problems."""
    solved: float | None
    """Share of problems with a right draw."""
    voted_right: float | None
    """Share of problems whose most frequent answer is right."""
    by_level: dict[str, float]
    """Mean pass rate by level; problems without a level are left out."""
    truncated: int
    """Draws cut at the token limit."""
    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    """Completion tokens that are thoughts."""
    paid: Spent | None
    """The cost of a teacher's answers; None for a model of the graph."""


@dataclass(frozen=True)
class Solved:
    """Tables of Attempt, PassRate, Failure and Lacking, and the metrics."""

    attempts: dy.DataFrame[Attempt]
    rates: dy.DataFrame[PassRate]
    unsolved: dy.DataFrame[Lacking]
    failures: pl.DataFrame
    metrics: SolveMetrics


def solve(
    problems: dy.DataFrame[Problem],
    prompts: InFiles,
    model: InDir[ModelManifest],
    params: SolveParams,
    execution: Execution,
    teacher_tokens: int | None = None,
) -> Solved:
    """Answer each problem that is asked, and judge the answers. A teacher does not answer problems that
    `teacher_tokens` do not reach, so their pass rate is not known; None means no limit. A model of the graph
    is free.
    """
    left_out, problems = unsolved(problems, params.only), asked_of(problems, params.only)
    cap = teacher_tokens if isinstance(params.solver, TeacherSolver) else None
    if cap is not None and params.quota is not None and params.quota.form == "prop2diff":
        raise AcrossSeedsError(
            "budget.teacher_tokens caps what a problem takes, and the quota prop2diff of a problem depends "
            "on the hardest of all; uniform was expected. Set the quota so, or the budget to null."
        )
    golds = dict(problems.select("problem_id", "answer").iter_rows())
    draws, asked = draws_of(problems, prompts, params), Asked()
    with (
        answering(params.solver, model, asked, execution) as answer,
        Symbolic(params.symbolic_seconds) as symbolic,
    ):

        def solved(some: Sequence[Draw]) -> tuple[list[dict[str, Any]], dy.DataFrame[PassRate]]:
            judge = Judge(golds, params.name, symbolic)
            rows = judge.judged(answer(some))
            rates = pass_rates(attempts_of(rows), golds, params.name)
            if params.quota is not None:
                rows += _drawn_on(rows, rates, some, judge, answer, params.quota)
            return rows, rates

        beyond = 0
        if cap is not None:
            taken = within(golds, cap, params.solver.seed, _tokens_of(draws, solved))
            asked.forget()
            beyond = sum(draw.problem_id not in taken for draw in draws)
            draws = [draw for draw in draws if draw.problem_id in taken]
        rows, rates = solved(draws)
    attempts, teacher = attempts_of(rows), params.solver
    by_model = isinstance(teacher, ModelSolver)
    return Solved(
        attempts=attempts,
        rates=rates,
        unsolved=left_out,
        failures=pl.DataFrame(list(asked.failures.values()), schema=Failure.create_empty().schema),
        metrics=SolveMetrics(
            solver=params.name,
            model=model.manifest().digest if by_model else teacher.teacher.model,
            not_asked=counts(left_out["rule"]),
            draws=params.draws,
            rows=Ledger(
                read=asked.draws + beyond,
                kept=attempts.height,
                rejected={"solve.budget": beyond} if beyond else {},
                failed=asked.draws - attempts.height,
            ),
            **_of_draws(attempts),
            **_of_problems(rates, problems),
            paid=None if by_model else _paid(teacher, asked, execution),
        ),
    )


def _tokens_of(
    draws: Sequence[Draw],
    solved: Callable[[Sequence[Draw]], tuple[list[dict[str, Any]], dy.DataFrame[PassRate]]],
) -> TokensOf:
    """Answer the draws of some problems; return the tokens that each took."""

    def tokens_of(problems: Sequence[str]) -> Mapping[str, int]:
        found = dict.fromkeys(problems, 0)
        for row in solved([draw for draw in draws if draw.problem_id in found])[0]:
            found[row["problem_id"]] += row["prompt_tokens"] + row["completion_tokens"]
        return found

    return tokens_of


def draws_of(problems: dy.DataFrame[Problem], prompts: InFiles, params: SolveParams) -> list[Draw]:
    """The draws of each problem, before any quota, sorted by draw, then by problem, so that more draws come
    last.
    """
    text = read_prompt(prompts, params.prompt, (QUESTION,))
    ordered = problems.sort("problem_id").select("problem_id", "problem")
    posed = [(problem_id, text.replace(QUESTION, problem)) for problem_id, problem in ordered.iter_rows()]
    return [
        Draw(problem_id, number, prompt) for number in range(params.draws) for problem_id, prompt in posed
    ]


def attempts_of(rows: Sequence[Mapping[str, Any]]) -> dy.DataFrame[Attempt]:
    """The table of judged draws."""
    return Attempt.validate(pl.DataFrame(rows, schema=Attempt.create_empty().schema))


def _drawn_on(
    first: Sequence[Mapping[str, Any]],
    rates: dy.DataFrame[PassRate],
    draws: Sequence[Draw],
    judge: Judge,
    answer: Answer,
    quota: DrawnQuota,
) -> list[dict[str, Any]]:
    """The rows of the draws that a quota asks for after the first ones, round by round."""
    prompts = {draw.problem_id: draw.prompt for draw in draws}
    usable, wanted = Usable(), quotas(rates, quota)
    drawn, rows = Counter(draw.problem_id for draw in draws), list(first)
    more: list[dict[str, Any]] = []
    while True:
        found = Counter(row["problem_id"] for row in rows if usable.rule(row) is None)
        wanted = after_round(wanted, drawn, found)
        lacking = next_draws(wanted, quota.most_draws)
        if not lacking:
            return more
        rows = judge.judged(answer([Draw(name, number, prompts[name]) for name, number in lacking]))
        drawn = Counter(name for name, _ in lacking)
        more += rows


def _paid(solver: TeacherSolver, asked: Asked, execution: Execution) -> Spent:
    return spent([(solver.teacher, reply) for reply in asked.replies], execution)


def _of_draws(attempts: dy.DataFrame[Attempt]) -> dict[str, Any]:
    tokens = ("prompt_tokens", "completion_tokens", "reasoning_tokens")
    return {
        "boxed": _mean(attempts, pl.col("answer").is_not_null()) or 0.0,
        "truncated": attempts.filter(pl.col("finish_reason") == "length").height,
        **{name: int(attempts[name].sum()) for name in tokens},
    }


def _of_problems(rates: dy.DataFrame[PassRate], problems: dy.DataFrame[Problem]) -> dict[str, Any]:
    known = rates.filter(pl.col("right").is_not_null())
    levels = known.join(problems.select("problem_id", "level"), on="problem_id").drop_nulls("level")
    by_level = levels.group_by("level").agg(pl.col("rate").mean()).drop_nulls("rate").sort("level")
    return {
        "problems": rates.height,
        "known": known.height,
        "pass_rate": _mean(known, pl.col("rate")),
        "solved": _mean(known, pl.col("right") > 0),
        "voted_right": _mean(known, pl.col("voted_right")),
        "by_level": {str(level): round(rate, 6) for level, rate in by_level.iter_rows()},
    }


def _mean(rows: pl.DataFrame, values: pl.Expr) -> float | None:
    mean = rows.select(values.mean()).item()
    return None if mean is None else round(float(mean), 6)
