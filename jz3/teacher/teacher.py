"""Teachers: who is asked for what, and what the answers cost.

Costs the teacher's price once per request: answers are in the row store.
"""

import math
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel, Field

from jz3.core.execution import Execution
from jz3.core.hashing import draw_order
from jz3.core.params import Params, Seed
from jz3.generation.asking import KeySet, ask_all, key_set
from jz3.generation.bodies import LIMITS, SEED_LIMIT
from jz3.generation.chat import ChatAnswer, ChatFailure, ChatRequest
from jz3.generation.endpoint import Endpoint, endpoint_of
from jz3.generation.spending import answer_usd
from jz3.teacher.declaration import Teacher
from jz3.writer.server import serve_writer

DRAWS = 1 << 63
"""The range of `draw_order`."""

Reply = ChatAnswer | ChatFailure


class Teachers(Params):
    """Who is asked, and how."""

    teachers: dict[str, Teacher] = Field(min_length=1)
    """Teachers by a name of your own, which `answers` records in each row. Each request goes to one of
    them.
    """
    seed: Seed
    """Each request's own seed, and its teacher, are drawn from it by hash."""


class Spent(BaseModel):
    """The cost of answers, usable or not, whenever they were paid for."""

    answered: int
    prompt_tokens: int
    completion_tokens: int
    """Including the tokens of thoughts."""
    cached_tokens: int
    """Prompt tokens that the provider had in its cache."""
    by_batch: int
    """Answers that came through batch files."""
    cost_usd: float
    """At the prices of `execution`."""
    priced: bool
    """Whether each model has a price; a model without one counts as free."""
    prices_as_of: str | None
    """The day of that price; if there are several, the earliest."""


def teacher_of(name: str, params: Teachers) -> str:
    """The name of the teacher for a request, drawn by hash in proportion to the shares.

    A teacher that is added takes requests from the others, but moves none between them (weighted rendezvous
    hashing: the smallest of exponential draws with the shares as rates).
    """
    if len(params.teachers) == 1:
        return next(iter(params.teachers))

    def draw(teacher: str) -> float:
        uniform = (draw_order(params.seed, f"{teacher}\x00{name}") + 1) / DRAWS
        return -math.log(uniform) / params.teachers[teacher].share

    return min(sorted(params.teachers), key=draw)


def request_for(name: str, prompt: str, params: Teachers, draw: int = 0) -> ChatRequest:
    """The request to its teacher: a prompt, with the seed that the request's name draws. Without a seed, the
    number of the draw keeps several answers to one prompt apart; otherwise they would all be the first one.
    """
    teacher = params.teachers[teacher_of(name, params)]
    fields = teacher.request.sent
    if "seed" in fields:
        fields["seed"] = draw_order(params.seed, name) % SEED_LIMIT
    elif draw:
        fields["draw"] = draw
    return ChatRequest(
        provider=teacher.provider,
        model=teacher.model,
        prompt=prompt,
        api=None if teacher.api == "chat" else teacher.api,
        **fields,
    )


def ask(
    names: Sequence[str],
    requests: Sequence[ChatRequest],
    params: Teachers,
    execution: Execution,
    whole_set: KeySet | None = None,
) -> list[Reply]:
    """An answer or a failure for each request, in order; `names` draw their teachers. `whole_set` is the set
    that the cap on money applies to, with the requests as a part; None if they are all of it. Raises as
    `ask_all` does.
    """
    replies: dict[int, Reply] = {}
    if whole_set is None and len(params.teachers) > 1:
        whole_set = key_set(requests)
    for name, teacher in params.teachers.items():
        places = [place for place, asked in enumerate(names) if asked == name]
        with _endpoint(teacher) as endpoint:
            asked = [requests[place] for place in places]
            answers = ask_all(asked, endpoint, execution, "teacher", whole_set)
            replies.update(zip(places, answers, strict=True))
    return [replies[place] for place in range(len(requests))]


def spent(asked: Iterable[tuple[Teacher, Reply]], execution: Execution) -> Spent:
    """The sums over all answers."""
    replies = list(asked)
    answers = [(teacher, reply) for teacher, reply in replies if isinstance(reply, ChatAnswer)]
    prices = {teacher.model: execution.prices.get(teacher.model) for teacher, _ in replies}
    days = sorted(price.as_of.isoformat() for price in prices.values() if price)
    return Spent(
        answered=len(answers),
        prompt_tokens=sum(answer.prompt_tokens for _, answer in answers),
        completion_tokens=sum(answer.completion_tokens for _, answer in answers),
        cached_tokens=sum(answer.cached_tokens for _, answer in answers),
        by_batch=sum(answer.by_batch for _, answer in answers),
        cost_usd=round(sum(answer_usd(prices[teacher.model], answer) for teacher, answer in answers), 6),
        priced=None not in prices.values(),
        prices_as_of=days[0] if days else None,
    )


def whose(params: Teachers) -> dict[str, Any]:
    """`provider`, `model` and `sampling` for metrics: all names if there are several teachers, and the
    sampling (temperature, top_p and the greatest number of tokens, if sent) only if it is the same for all.
    """
    teachers = list(params.teachers.values())
    samplings = [_sampling(teacher) for teacher in teachers]
    return {
        "provider": ", ".join(dict.fromkeys(one.provider for one in teachers)),
        "model": ", ".join(dict.fromkeys(one.model for one in teachers)),
        "sampling": samplings[0] if samplings.count(samplings[0]) == len(samplings) else {},
    }


def _sampling(teacher: Teacher) -> dict[str, float]:
    sent = teacher.request.sent
    return {name: sent[name] for name in ("temperature", "top_p", *LIMITS) if name in sent}


@contextmanager
def _endpoint(teacher: Teacher) -> Generator[Endpoint]:
    if teacher.provider == "writer":
        with serve_writer() as base_url:
            yield Endpoint(base_url=base_url, api_key="none")
    else:
        yield endpoint_of(teacher.account, "anthropic" if teacher.api == "messages" else "openai")
