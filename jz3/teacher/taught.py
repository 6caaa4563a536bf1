"""The recipes that a teacher writes: what each asks in rounds, how much that is, and what it keeps.

A recipe is a module of jz3/teacher/recipes with its parameters; here is the only place that names them all.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import dataframely as dy
import polars as pl
from pydantic import Field

from jz3.core.artifacts import InFiles
from jz3.tables.seed_problem import SeedProblem
from jz3.teacher.asks import AcrossSeedsError, Round, Rounds
from jz3.teacher.recipes import metamath, openmathinstruct, personamath, rvsyn
from jz3.teacher.recipes.metamath import MetaMath
from jz3.teacher.recipes.openmathinstruct import OpenMathInstruct
from jz3.teacher.recipes.personamath import PersonaMath
from jz3.teacher.recipes.rvsyn import RvSyn
from jz3.teacher.teacher import Teachers
from jz3.text.problem_text import Unusable


class AugmentParams(Teachers):
    """A recipe and its teachers."""

    recipe: MetaMath | OpenMathInstruct | PersonaMath | RvSyn = Field(discriminator="name")


def rounds_of(seeds: dy.DataFrame[SeedProblem], prompts: InFiles, params: AugmentParams) -> Rounds:
    """The rounds of a recipe, over seeds with a gold answer: in each by draw, then by seed."""
    with_gold = seeds.filter(pl.col("answer").is_not_null()).sort("seed_id")
    rows = with_gold.iter_rows(named=True)
    match params.recipe:
        case MetaMath():
            return metamath.rounds(rows, prompts, params.recipe)
        case OpenMathInstruct():
            return openmathinstruct.rounds(rows, prompts, params.recipe)
        case PersonaMath():
            return personamath.rounds(rows, prompts, params.recipe, params.seed)
        case RvSyn():
            return rvsyn.rounds(rows, prompts, params.recipe, params.seed)


def must_ask_apart(params: AugmentParams) -> None:
    """Raise AcrossSeedsError where a recipe asks across seeds, before anything is asked: a cap counts what
    hangs on one seed.
    """
    if isinstance(params.recipe, RvSyn):
        raise AcrossSeedsError(
            "budget.teacher_tokens caps what a seed takes, and rvsyn asks across seeds (its graphs join "
            "functions of several); a recipe that asks of one seed each was expected. Set it to null for it."
        )


def next_round(rounds: Rounds, texts: Mapping[str, str]) -> Round | None:
    """What a recipe asks once it has the texts that came of the last round; None after the last one."""
    try:
        return rounds.send(texts)
    except StopIteration:
        return None


def asks_of_a_seed(params: AugmentParams) -> dict[str, float]:
    """By operator, how many asks a seed that has a gold answer takes, on the mean."""
    match params.recipe:
        case MetaMath():
            return metamath.asks_of_a_seed(params.recipe)
        case OpenMathInstruct():
            return openmathinstruct.asks_of_a_seed(params.recipe)
        case PersonaMath():
            return personamath.asks_of_a_seed(params.recipe)
        case RvSyn():
            return rvsyn.asks_of_a_seed(params.recipe)


def rows_of_a_seed(params: AugmentParams) -> float:
    """Problems that these are to become."""
    match params.recipe:
        case MetaMath():
            return metamath.rows_of_a_seed(params.recipe)
        case OpenMathInstruct():
            return openmathinstruct.rows_of_a_seed(params.recipe)
        case PersonaMath():
            return personamath.rows_of_a_seed(params.recipe)
        case RvSyn():
            return rvsyn.rows_of_a_seed(params.recipe)


def left_out(
    problems: Sequence[Mapping[str, Any]], seed_of: Mapping[str, str], params: AugmentParams
) -> dict[str, Unusable]:
    """Of problems that are right, those that the recipe does not keep."""
    match params.recipe:
        case MetaMath() | PersonaMath():
            return {}
        case OpenMathInstruct():
            return openmathinstruct.left_out(problems, seed_of, params.recipe, params.seed)
        case RvSyn():
            return rvsyn.left_out(problems)
