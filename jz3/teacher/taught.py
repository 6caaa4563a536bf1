"""The recipes that a teacher writes: what each asks in rounds, how much that is, and what it keeps.

A recipe is a module of jz3/teacher/recipes with its parameters; only this module names them all.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from jz3.core.artifacts import InFiles
from jz3.teacher.asks import AcrossSeedsError, Round, Rounds
from jz3.teacher.beginnings import PASSAGES, SEEDS, Beginning, Seeds
from jz3.teacher.recipes import metamath, openmathinstruct, personamath, rvsyn, synthllm
from jz3.teacher.recipes.metamath import MetaMath
from jz3.teacher.recipes.openmathinstruct import OpenMathInstruct
from jz3.teacher.recipes.personamath import PersonaMath
from jz3.teacher.recipes.rvsyn import RvSyn
from jz3.teacher.recipes.synthllm import SynthLlm
from jz3.teacher.teacher import Teachers
from jz3.text.problem_text import Unusable


class AugmentParams(Teachers):
    """A recipe and its teachers."""

    recipe: MetaMath | OpenMathInstruct | PersonaMath | RvSyn | SynthLlm = Field(discriminator="name")


def begins_at(params: AugmentParams) -> Beginning:
    """What a recipe starts from."""
    return PASSAGES if isinstance(params.recipe, SynthLlm) else SEEDS


def rounds_of(seeds: Seeds, prompts: InFiles, params: AugmentParams) -> Rounds:
    """The rounds of a recipe, over seeds with a gold answer or over passages; asks of a round are sorted by
    draw, then by seed or passage.
    """
    beginning = begins_at(params)
    rows = seeds.filter(beginning.with_gold()).sort(beginning.key).iter_rows(named=True)
    match params.recipe:
        case MetaMath():
            return metamath.rounds(rows, prompts, params.recipe)
        case OpenMathInstruct():
            return openmathinstruct.rounds(rows, prompts, params.recipe)
        case PersonaMath():
            return personamath.rounds(rows, prompts, params.recipe, params.seed)
        case RvSyn():
            return rvsyn.rounds(rows, prompts, params.recipe, params.seed)
        case SynthLlm():
            return synthllm.rounds(rows, prompts, params.recipe, params.seed)


def asks_across(params: AugmentParams) -> str | None:
    """What a recipe asks about several seeds or passages at once; None if it asks about each separately."""
    match params.recipe:
        case RvSyn():
            return "its graphs join functions of several"
        case SynthLlm():
            return synthllm.asks_across(params.recipe)
        case _:
            return None


def must_fit(params: AugmentParams, took: int, cap: int) -> None:
    """Raise AcrossSeedsError if a recipe took more than its arm's cap: a recipe that asks across seeds or
    passages cannot be cut, so it must fit as a whole.
    """
    if took > cap:
        name, kind = params.recipe.name, begins_at(params).flag
        raise AcrossSeedsError(
            f"{name} took {took:,} tokens of its teachers, and budget.teacher_tokens is {cap:,}; it asks "
            f"across {kind} ({asks_across(params)}), so that none can be left out: a recipe within the "
            f"budget was expected. Ask for less in augment.{name}.recipe, or raise the budget; what was "
            f"answered stays in the store."
        )


def next_round(rounds: Rounds, texts: Mapping[str, str]) -> Round | None:
    """What a recipe asks after the resulting texts of its last round; None after the last one."""
    try:
        return rounds.send(texts)
    except StopIteration:
        return None


def asks_of_a_seed(params: AugmentParams) -> dict[str, float]:
    """The mean number of asks, by operator, for a seed with a gold answer, or for a passage."""
    match params.recipe:
        case MetaMath():
            return metamath.asks_of_a_seed(params.recipe)
        case OpenMathInstruct():
            return openmathinstruct.asks_of_a_seed(params.recipe)
        case PersonaMath():
            return personamath.asks_of_a_seed(params.recipe)
        case RvSyn():
            return rvsyn.asks_of_a_seed(params.recipe)
        case SynthLlm():
            return synthllm.asks_of_a_passage(params.recipe)


def rows_of_a_seed(params: AugmentParams) -> float:
    """How many of these are to become problems."""
    match params.recipe:
        case MetaMath():
            return metamath.rows_of_a_seed(params.recipe)
        case OpenMathInstruct():
            return openmathinstruct.rows_of_a_seed(params.recipe)
        case PersonaMath():
            return personamath.rows_of_a_seed(params.recipe)
        case RvSyn():
            return rvsyn.rows_of_a_seed(params.recipe)
        case SynthLlm():
            return synthllm.rows_of_a_passage(params.recipe)


def left_out(
    problems: Sequence[Mapping[str, Any]], lines: Mapping[str, Mapping[str, Any]], params: AugmentParams
) -> dict[str, Unusable]:
    """Problems without a fault that the recipe does not keep, and why. `lines` are those of their lineage."""
    match params.recipe:
        case MetaMath() | PersonaMath():
            return {}
        case OpenMathInstruct():
            seed_of = {row_id: line["seed_ids"][0] for row_id, line in lines.items()}
            return openmathinstruct.left_out(problems, seed_of, params.recipe, params.seed)
        case RvSyn():
            return rvsyn.left_out(problems)
        case SynthLlm():
            question_of = {row_id: line["variant"] for row_id, line in lines.items()}
            return synthllm.left_out(problems, question_of, params.recipe)
