"""MetaMath (Yu et al. 2023, arXiv 2309.12284): new solutions of the questions that a seed has.

Answer augmentation asks K times for a solution of each seed's own question, and keeps those that end in the
seed's gold answer. Each draw is an ask of its own.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from pydantic import Field

from jz3.core.artifacts import InFiles
from jz3.core.params import Params
from jz3.teacher.asks import Ask, read_prompt

QUESTION = "{question}"


class MetaMath(Params):
    """How much of each operator is asked for."""

    name: Literal["metamath"]
    answers: int = Field(ge=0)
    """Solutions that are asked for of each seed."""


def asks(seeds: Iterable[Mapping[str, Any]], prompts: InFiles, params: MetaMath) -> Iterator[Ask]:
    """What the teacher is asked for seeds that have a gold answer."""
    answer = read_prompt(prompts, "answer.md", (QUESTION,))
    known = list(seeds)
    for draw in range(params.answers):
        for seed in known:
            yield Ask(
                recipe=params.name,
                operator="answer",
                seed_ids=(seed["seed_id"],),
                parent_ids=(),
                variant="",
                draw=draw,
                question=seed["question"],
                prompt=answer.replace(QUESTION, seed["question"]),
                expected=seed["answer"],
                expected_from="gold",
            )
