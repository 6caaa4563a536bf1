"""Balance by difficulty (DART-Math, Tong et al. 2024, arXiv 2407.13690): how many right solutions of each
problem are kept.

`uniform` wants the same number for each; `prop2diff` wants a number in proportion to the fail rate, `rows`
for the hardest. Targets are rounded up, so that every problem keeps at least one, and are exact: no rate is
rounded. Problems are drawn in rounds, each only for what is missing, so that no draw beyond the quota is paid
for; draws are capped, because a problem that always fails would be drawn for ever. The first right solutions
by number of the draw are kept. So a larger `rows` includes what a smaller one keeps, and two faults of the
released code (one right solution too many, no cap) are avoided.

The fail rate of d draws is one of d + 1 values: of problems with a true rate of 0.3 one in four shows 0 after
4 draws (0.7^4), one in seventeen after 8.
"""

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from math import ceil
from typing import Any, Literal

import dataframely as dy
import polars as pl
from pydantic import Field

from jz3.core.params import Params
from jz3.generation.chat import ChatAnswer
from jz3.tables.attempt import Attempt
from jz3.tables.pass_rate import PassRate
from jz3.tables.quota import Quota
from jz3.teacher.solutions import Solution, read_solution


class QuotaParams(Params):
    """How many right solutions of each problem are wanted."""

    form: Literal["uniform", "prop2diff"]
    """`uniform`: as many of each problem; `prop2diff`: in proportion to its fail rate."""
    rows: int = Field(ge=1)
    """Rows of each problem, or of those with the highest fail rate."""


def quotas(rates: dy.DataFrame[PassRate], params: QuotaParams) -> dy.DataFrame[Quota]:
    """The quota of each problem, with nothing drawn yet.

    A problem that has no answer to compare with, or got no answer at all, has a target of 0: no draw of it
    can be right.
    """
    fail_rates = {
        row["problem_id"]: Fraction(row["draws"] - row["right"], row["draws"])
        for row in rates.iter_rows(named=True)
        if row["right"] is not None and row["draws"]
    }
    wanted = _wanted(fail_rates, params)
    rows = [
        {"problem_id": problem_id, "target": wanted.get(problem_id, 0), "usable": 0, "draws": 0}
        for problem_id in rates["problem_id"].sort()
    ]
    return Quota.validate(pl.DataFrame(rows, schema=Quota.create_empty().schema))


def _wanted(fail_rates: Mapping[str, Fraction], params: QuotaParams) -> dict[str, int]:
    if params.form == "uniform":
        return dict.fromkeys(fail_rates, params.rows)
    hardest = max(fail_rates.values(), default=Fraction(0)) or Fraction(1)
    return {name: max(1, ceil(params.rows * rate / hardest)) for name, rate in fail_rates.items()}


class Usable:
    """Says why an attempt cannot be a row; attempts must come by problem, in the order of their draws."""

    def __init__(self) -> None:
        self._texts: defaultdict[str, set[str]] = defaultdict(set)

    def rule(self, attempt: Mapping[str, Any]) -> str | None:
        """`truncated`, `not_finished`, `no_answer`, `answer_differs`, `repeated`; None if it can be a row."""
        read = solution_of(attempt)
        if isinstance(read, str):
            return read
        if not attempt["right"]:
            return "answer_differs"
        words, seen = " ".join(read.text.split()), self._texts[attempt["problem_id"]]
        if words in seen:
            return "repeated"
        seen.add(words)
        return None


def solution_of(attempt: Mapping[str, Any]) -> Solution | str:
    """The solution in an attempt, or the rule that it breaks."""
    reply = ChatAnswer(attempt["text"], attempt["finish_reason"], 0, 0, 0, by_batch=False)
    read = read_solution(reply, None)
    return read if isinstance(read, Solution) else read.rule


def next_draws(wanted: dy.DataFrame[Quota], most_draws: int) -> list[tuple[str, int]]:
    """Problem and number of each draw that the next round asks for: for each problem what it lacks, up to the
    cap; empty if all quotas are met or out of draws.

    No round asks for more than a problem lacks, so the draws are the same as with one draw per round, in
    fewer rounds.
    """
    return [
        (row["problem_id"], number)
        for row in wanted.sort("problem_id").iter_rows(named=True)
        for number in range(
            row["draws"], min(row["draws"] + max(row["target"] - row["usable"], 0), most_draws)
        )
    ]


def after_round(
    wanted: dy.DataFrame[Quota], draws: Mapping[str, int], usable: Mapping[str, int]
) -> dy.DataFrame[Quota]:
    """The quotas after `draws` more draws, of which `usable` can be rows, both by problem."""
    ids = wanted["problem_id"]
    return Quota.validate(
        wanted.with_columns(
            pl.col("usable") + pl.Series([usable.get(name, 0) for name in ids], dtype=pl.Int64),
            pl.col("draws") + pl.Series([draws.get(name, 0) for name in ids], dtype=pl.Int64),
        )
    )


def verdicts(attempts: dy.DataFrame[Attempt], wanted: dy.DataFrame[Quota]) -> pl.DataFrame:
    """Columns `problem_id`, `draw` and `rule` of each attempt: null for the first usable ones of a problem up
    to its target, `not_drawn` for further ones, otherwise the rule of `Usable`.
    """
    usable, kept = Usable(), defaultdict[str, int](int)
    targets = dict(wanted.select("problem_id", "target").iter_rows())
    rows: list[tuple[str, int, str | None]] = []
    for row in attempts.sort("problem_id", "draw").iter_rows(named=True):
        problem_id, rule = row["problem_id"], usable.rule(row)
        if rule is None:
            rule = None if kept[problem_id] < targets.get(problem_id, 0) else "not_drawn"
            kept[problem_id] += rule is None
        rows.append((problem_id, row["draw"], rule))
    schema = {"problem_id": pl.String, "draw": pl.Int64, "rule": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")
