"""Which problems a solver is asked: those whose answers can be compared, such as short ones with a digit.

The others are listed with the first rule that excludes them: `solve.kind`, `solve.no_answer`,
`solve.long_answer`, `solve.no_digit`. Costs a look at each answer.
"""

import dataframely as dy
import polars as pl
from pydantic import Field

from jz3.core.params import Params
from jz3.tables.lacking import Lacking
from jz3.tables.problem import Problem
from jz3.text.problem_text import EVIDENCE_CHARACTERS


class Only(Params):
    """What a problem needs in order to be asked. Answers are those in the table."""

    kinds: list[str] = Field(min_length=1)
    """`cot`, `tool`."""
    longest_answer: int = Field(ge=1)
    """Characters; a longer answer is hard to compare. A problem without an answer is not asked."""
    digit: bool
    """Whether the answer must have a digit, because words and names are hard to compare."""


def unasked_rule(only: Only) -> pl.Expr:
    """The rule that excludes a row of Problem; null for a row that is asked."""
    answer = pl.col("answer")
    rules = [
        ("solve.kind", ~pl.col("kind").cast(pl.String).is_in(only.kinds)),
        ("solve.no_answer", answer.is_null()),
        ("solve.long_answer", answer.str.len_chars() > only.longest_answer),
        ("solve.no_digit", ~answer.str.contains(r"\d") & only.digit),
    ]
    return pl.coalesce(pl.when(applies).then(pl.lit(name)) for name, applies in rules)


def asked_of(problems: dy.DataFrame[Problem], only: Only | None) -> dy.DataFrame[Problem]:
    """The problems that a solver is asked; all of them if `only` is None."""
    return problems if only is None else Problem.validate(problems.filter(unasked_rule(only).is_null()))


def unsolved(problems: dy.DataFrame[Problem], only: Only | None) -> dy.DataFrame[Lacking]:
    """The problems that are not asked, each with its rule and, as evidence, its kind or answer."""
    if only is None:
        return Lacking.create_empty()
    seen = pl.when(pl.col("rule") == "solve.kind").then(pl.col("kind").cast(pl.String)).otherwise("answer")
    left_out = problems.with_columns(rule=unasked_rule(only)).drop_nulls("rule").sort("problem_id")
    evidence = seen.fill_null("").str.slice(0, EVIDENCE_CHARACTERS)
    return Lacking.validate(
        left_out.select("rule", row_id="problem_id", evidence=evidence).select(Lacking.column_names())
    )
