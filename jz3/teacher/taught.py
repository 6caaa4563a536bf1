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


def asks_apart(params: AugmentParams) -> bool:
    """Whether all that a recipe asks hangs on one seed each, so that a cap can take seeds or leave them. The
    graphs of rvsyn join functions of several.
    """
    return not isinstance(params.recipe, RvSyn)


def must_fit(params: AugmentParams, took: int, cap: int) -> None:
    """Raise AcrossSeedsError where a recipe took more than the cap of its arm: one that asks across seeds
    can be cut nowhere, so that it must fit as a whole.
    """
    if took > cap:
        name = params.recipe.name
        raise AcrossSeedsError(
            f"{name} took {took:,} tokens of its teachers, and budget.teacher_tokens is {cap:,}; it asks "
            f"across seeds, so that none can be left out: a recipe within the budget was expected. Ask for "
            f"less in augment.{name}.recipe, or raise the budget; what was answered stays in the store."
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
