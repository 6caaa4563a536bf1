"""A teacher: who is asked, with what sampling, and what all of its answers cost.

Costs: the teacher's price, once for each request ever: answers stand in the row store.
"""

import os
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Literal

from pydantic import BaseModel, Field

from jz3.core.execution import Execution
from jz3.core.hashing import draw_order
from jz3.core.params import Params, Seed
from jz3.generation.asking import ask_all
from jz3.generation.chat import ChatAnswer, ChatFailure, ChatRequest
from jz3.generation.endpoint import Endpoint
from jz3.generation.spending import answer_usd
from jz3.writer.server import serve_writer

SEED_LIMIT = 1 << 31
"""Servers take seeds of 32 bits with a sign at the least."""

Reply = ChatAnswer | ChatFailure


class TeacherParams(Params):
    """Who is asked, and how."""

    provider: Literal["writer", "openai", "azure", "vllm"]
    """Who answers. `writer` is the built-in problem writer, which the stage serves itself; for the others
    OPENAI_BASE_URL and OPENAI_API_KEY say where and with what key."""
    model: str
    temperature: float = Field(ge=0)
    top_p: float = Field(gt=0, le=1)
    max_tokens: int = Field(ge=1)
    seed: Seed
    """Each request's own seed is drawn from it by hash."""


class Spent(BaseModel):
    """What answers took, usable or not, whenever they were paid."""

    answered: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    """Of the prompt tokens, those that the provider had in its cache."""
    by_batch: int
    """Answers that came through batch files."""
    cost_usd: float
    """At the prices of `execution`."""
    priced: bool
    """Whether the model has a price; else it counts as free."""
    prices_as_of: str | None
    """The day of that price."""


def request_for(name: str, prompt: str, params: TeacherParams) -> ChatRequest:
    """What the teacher is asked: a prompt, with the seed that the name of the request draws."""
    return ChatRequest(
        provider=params.provider,
        model=params.model,
        prompt=prompt,
        temperature=params.temperature,
        top_p=params.top_p,
        max_tokens=params.max_tokens,
        seed=draw_order(params.seed, name) % SEED_LIMIT,
    )


def ask(requests: Iterable[ChatRequest], params: TeacherParams, execution: Execution) -> list[Reply]:
    """An answer or a failure for each request, in order; raises as `ask_all` does."""
    with _endpoint(params) as endpoint:
        return list(ask_all(requests, endpoint, execution, what="teacher"))


def spent(replies: Sequence[Reply], params: TeacherParams, execution: Execution) -> Spent:
    """The sums over all answers."""
    answers = [reply for reply in replies if isinstance(reply, ChatAnswer)]
    price = execution.prices.get(params.model)
    return Spent(
        answered=len(answers),
        prompt_tokens=sum(answer.prompt_tokens for answer in answers),
        completion_tokens=sum(answer.completion_tokens for answer in answers),
        cached_tokens=sum(answer.cached_tokens for answer in answers),
        by_batch=sum(answer.by_batch for answer in answers),
        cost_usd=round(sum(answer_usd(price, answer) for answer in answers), 6),
        priced=price is not None,
        prices_as_of=price.as_of.isoformat() if price else None,
    )


@contextmanager
def _endpoint(params: TeacherParams) -> Generator[Endpoint]:
    if params.provider == "writer":
        with serve_writer() as base_url:
            yield Endpoint(base_url=base_url, api_key="none")
    else:
        yield Endpoint(base_url=os.environ.get("OPENAI_BASE_URL"), api_key=os.environ.get("OPENAI_API_KEY"))
