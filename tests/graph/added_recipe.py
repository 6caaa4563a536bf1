"""A recipe of the smallest kind, as CONTRIBUTING.md has one added: `test_additions.py` copies it to
jz3/teacher/recipes/RECIPE.py. It asks for solutions of the seeds and keeps those that end in the gold answer.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field

from jz3.core.artifacts import InFiles
from jz3.core.params import Params
from jz3.teacher.asks import Ask, Round, Rounds, read_prompt

QUESTION = "{question}"


class Plain(Params):
    """How many answers to ask for."""

    name: Literal["plain"]
    answers: int = Field(ge=1)
    """Solutions of each seed to ask for."""


def rounds(seeds: Iterable[Mapping[str, Any]], prompts: InFiles, params: Plain) -> Rounds:
    """The asks for seeds that have a gold answer, in one round."""
    text = read_prompt(prompts, "answer.md", (QUESTION,))
    known = list(seeds)
    asks = [
        Ask(
            recipe=params.name,
            operator="answer",
            seed_ids=(seed["seed_id"],),
            parent_ids=(),
            variant="",
            draw=draw,
            question=seed["question"],
            prompt=text.replace(QUESTION, seed["question"]),
            expected=seed["answer"],
            expected_from="gold",
        )
        for draw in range(params.answers)
        for seed in known
    ]
    yield Round(asks, [])


def asks_of_a_seed(params: Plain) -> dict[str, float]:
    """The number of asks for a seed, by operator."""
    return {"answer": params.answers}


def rows_of_a_seed(params: Plain) -> float:
    """How many of these are to become problems."""
    return params.answers
