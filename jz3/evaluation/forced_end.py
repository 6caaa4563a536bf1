r"""Budget forcing: a thought that reaches its limit is ended, and the model is asked for the answer.

The model continues its own thought after `</think>` (or whatever ends a thought of this model), as in
Muennighoff et al. 2025 (arXiv 2501.19393, s1, section 3.1). Otherwise a response with a cut thought has no
answer. The inserted end is part of the response's text, so that readers of thoughts can see it; `calls` of
such a response is 2. Costs a second call for each.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import polars as pl
from pydantic import Field, model_validator

from jz3.core.params import Params
from jz3.evaluation.tool_loop import Attempt, continued
from jz3.generation.engine import Generated, GenerationRequest, Prompt, Turn
from jz3.notation.thoughts import CLOSING, read_thoughts
from jz3.tables.forced_end import ForcedEnd

_CLOSING = re.compile(CLOSING, re.IGNORECASE)


class ForcedEndParams(Params):
    """How to end a thought that reaches `max_tokens` of the section."""

    text: str
    """The text to append: a mark that ends a thought and, optionally, words that begin the answer."""
    max_tokens: int = Field(ge=1)
    """The most tokens of the answer that follows."""

    @model_validator(mode="after")
    def _ends_a_thought(self) -> "ForcedEndParams":
        if _CLOSING.search(self.text) is None:
            raise ValueError(f"{self.text!r} has no mark that ends a thought, such as </think>")
        return self


def is_cut_thought(attempt: Attempt) -> bool:
    """Whether a response reached the limit before its thought had ended; the prompt may have begun the
    thought.
    """
    if attempt.finish_reason != "length":
        return False
    return read_thoughts(attempt.text).open or _CLOSING.search(attempt.text) is None


def with_forced_ends(
    prompts: Sequence[Prompt],
    attempts: Sequence[Attempt],
    generate: Callable[[Sequence[GenerationRequest]], list[Generated]],
    params: ForcedEndParams,
) -> list[Attempt]:
    """The attempts; those with a cut thought have an end and the model's continuation after it.

    `generate` must ask for at most `params.max_tokens` tokens.
    """
    ended = list(attempts)
    places = [place for place, attempt in enumerate(attempts) if is_cut_thought(attempt)]
    if not places:
        return ended
    cut = [replace(attempts[place], text=attempts[place].text + params.text) for place in places]
    requests = [
        GenerationRequest(gone_on(prompts[place], attempt.text), attempt.seed)
        for place, attempt in zip(places, cut, strict=True)
    ]
    for place, attempt, written in zip(places, cut, generate(requests), strict=True):
        ended[place] = continued(attempt, written)
    return ended


def gone_on(prompt: Prompt, text: str) -> Prompt:
    """A prompt that lets the model continue what it has written."""
    return prompt + text if isinstance(prompt, str) else (*prompt, Turn("assistant", text))


def forced_ends(responses: pl.DataFrame, before: Sequence[Attempt], after: Sequence[Attempt]) -> pl.DataFrame:
    """Table of ForcedEnd from responses and their attempts before and after, all in the same order."""
    rows = [
        {
            "response_id": response_id,
            "item_id": item_id,
            "thought_tokens": cut.completion_tokens,
            "answer_tokens": ended.completion_tokens - cut.completion_tokens,
            "finish_reason": ended.finish_reason,
        }
        for (response_id, item_id), cut, ended in zip(
            responses.select("response_id", "item_id").iter_rows(), before, after, strict=True
        )
        if ended.calls > cut.calls
    ]
    return pl.DataFrame(rows, schema=ForcedEnd.create_empty().schema)
