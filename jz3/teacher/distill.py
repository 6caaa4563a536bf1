"""The teacher writes a problem for each prompt: the KD set that a synthesis model learns from.

Promises: each prompt becomes a problem, a reject with its rule, or a failure with its reason. A call is made
once: the answer comes from the row store ever after, for this set and any other that holds the prompt, and
nothing that this stage leaves tells the one from the other. Costs: the teacher's price.
"""

import math
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import dataframely as dy
import polars as pl
from pydantic import BaseModel, Field, SerializerFunctionWrapHandler, model_serializer

from jz3.core.execution import Execution
from jz3.core.hashing import draw_order
from jz3.core.params import Params, Seed
from jz3.generation.asking import ask_all, key_set
from jz3.generation.bodies import LIMITS
from jz3.generation.chat import ChatAnswer, ChatFailure, ChatRequest, chat_key
from jz3.generation.endpoint import Endpoint, endpoint_of
from jz3.generation.spending import answer_usd
from jz3.notation.thoughts import read_thoughts
from jz3.tables.failure import Failure
from jz3.tables.ledger import Ledger
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.tables.reject import Reject
from jz3.tables.teacher_answer import TeacherAnswer
from jz3.teacher.declaration import Teacher
from jz3.text.problem_text import Unusable, read_completion
from jz3.writer.server import serve_writer

SEED_LIMIT = 1 << 31
"""Servers take seeds of 32 bits with a sign at the least."""
DRAWS = 1 << 63
"""Of `draw_order`."""


class DistillParams(Params):
    """Who is asked, and how."""

    teachers: dict[str, Teacher] = Field(min_length=1)
    """By a name of your own, which `answers` has in each row. Each prompt is one teacher's."""
    seed: Seed
    """Each prompt's own seed, and its teacher, are drawn from it by hash."""


class TeacherMetrics(BaseModel):
    """What one teacher of a set did, and what it cost."""

    provider: str
    model: str
    api: str
    request: dict[str, Any]
    """The fields that each request had."""
    prompts: int
    answered: int
    kept: int
    prompt_tokens: int
    completion_tokens: int
    """Those of thoughts among them."""
    reasoning_tokens: int
    cost_usd: float
    priced: bool
    prices_as_of: str | None


class DistillMetrics(BaseModel):
    """What was asked and what came of it. A problem writer's set is no LLM's: `provider` says whose it is."""

    provider: str
    """Of several teachers all, as of their models."""
    model: str
    sampling: dict[str, float]
    """Temperature, top_p and the greatest number of tokens, where sent and the same for all teachers."""
    rows: Ledger
    answered: int
    """Prompts with an answer, usable or not."""
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    """Of the prompt tokens, those that the provider had in its cache."""
    by_batch: int
    """Answers that came through batch files."""
    cost_usd: float
    """Of all answers, at the prices of `execution`, whenever they were paid."""
    priced: bool
    """Whether each model has a price; else it counts as free."""
    prices_as_of: str | None
    """The day of that price, of several the first."""
    kept_by_level: dict[str, int]
    kept_by_kind: dict[str, int]
    teachers: dict[str, TeacherMetrics] | None
    """By name where there are several, or where one thought; else not there."""

    @model_serializer(mode="wrap")
    def _without_nothing(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The metrics of a set without thoughts are those of before."""
        return {name: value for name, value in write(self).items() if name != "teachers" or value is not None}


@dataclass(frozen=True)
class KdSet:
    """Tables of Problem, Reject, Failure and TeacherAnswer, and their numbers."""

    problems: pl.DataFrame
    rejects: pl.DataFrame
    failures: pl.DataFrame
    answers: pl.DataFrame
    metrics: DistillMetrics


@dataclass(frozen=True)
class _Asked:
    """A prompt, whom it went to, and what came back."""

    prompt: Mapping[str, Any]
    name: str
    request: ChatRequest
    reply: ChatAnswer | ChatFailure


def distill(prompts: dy.DataFrame[Prompt], params: DistillParams, execution: Execution) -> KdSet:
    """Ask a teacher for a problem for each prompt."""
    rows = list(prompts.sort("prompt_id").iter_rows(named=True))
    names = [teacher_of(row["prompt_id"], params) for row in rows]
    requests = [chat_request(row, params) for row in rows]
    replies: dict[int, ChatAnswer | ChatFailure] = {}
    whole_set = key_set(requests) if len(params.teachers) > 1 else None
    for name, teacher in params.teachers.items():
        places = [place for place, asked in enumerate(names) if asked == name]
        with _endpoint(teacher) as endpoint:
            asked = [requests[place] for place in places]
            answers = ask_all(asked, endpoint, execution, "teacher", whole_set)
            replies.update(zip(places, answers, strict=True))
    places = range(len(rows))
    return _sorted_out(
        [_Asked(rows[place], names[place], requests[place], replies[place]) for place in places],
        params,
        execution,
    )


@contextmanager
def _endpoint(teacher: Teacher) -> Generator[Endpoint]:
    if teacher.provider == "writer":
        with serve_writer() as base_url:
            yield Endpoint(base_url=base_url, api_key="none")
    else:
        yield endpoint_of(teacher.account, "anthropic" if teacher.api == "messages" else "openai")


def teacher_of(prompt_id: str, params: DistillParams) -> str:
    """The name of the teacher that a prompt goes to, drawn by hash in proportion to the shares.

    A teacher that is added takes prompts from the others, and moves none between them (weighted rendezvous
    hashing: the least of exponential draws with the shares as rates).
    """
    if len(params.teachers) == 1:
        return next(iter(params.teachers))

    def draw(name: str) -> float:
        uniform = (draw_order(params.seed, f"{name}\x00{prompt_id}") + 1) / DRAWS
        return -math.log(uniform) / params.teachers[name].share

    return min(sorted(params.teachers), key=draw)


def chat_request(prompt: Mapping[str, Any], params: DistillParams) -> ChatRequest:
    """What a prompt's teacher is asked (its `prompt_id` and `full` text)."""
    teacher = params.teachers[teacher_of(prompt["prompt_id"], params)]
    fields = teacher.request.sent
    if "seed" in fields:
        fields["seed"] = draw_order(params.seed, prompt["prompt_id"]) % SEED_LIMIT
    return ChatRequest(
        provider=teacher.provider,
        model=teacher.model,
        prompt=prompt["full"],
        api=None if teacher.api == "chat" else teacher.api,
        **fields,
    )


def _sorted_out(asked: list[_Asked], params: DistillParams, execution: Execution) -> KdSet:
    kept: list[dict[str, Any]] = []
    rejected: list[dict[str, str]] = []
    failed: list[dict[str, str]] = []
    answered: list[dict[str, Any]] = []
    for one in asked:
        row_id, prompt, reply = chat_key(one.request), one.prompt, one.reply
        if isinstance(reply, ChatFailure):
            failed.append({"request_id": row_id, "row_id": prompt["prompt_id"], "reason": reply.reason})
            continue
        answered.append(_answer_row(row_id, one, reply))
        read = read_completion(
            reply.text, reply.finish_reason, prompt["kind"], prompt["full"], reply.reasoning
        )
        if isinstance(read, Unusable):
            rejected.append({"row_id": row_id, "rule": f"distill.{read.rule}", "evidence": read.evidence})
            continue
        columns = {name: prompt[name] for name in ("prompt_id", "passage_id", "source", "level", "kind")}
        texts = {"problem": read.problem, "solution": read.solution, "answer": read.answer}
        kept.append({"problem_id": row_id, "subject": None, **columns, **texts})
    return KdSet(
        problems=pl.DataFrame(kept, schema=Problem.create_empty().schema),
        rejects=pl.DataFrame(rejected, schema=Reject.create_empty().schema),
        failures=pl.DataFrame(failed, schema=Failure.create_empty().schema),
        answers=pl.DataFrame(answered, schema=TeacherAnswer.create_empty().schema),
        metrics=_metrics(kept, rejected, asked, params, execution),
    )


def _answer_row(row_id: str, one: _Asked, reply: ChatAnswer) -> dict[str, Any]:
    """Of a text whose thoughts could not be told from it, those that are marked."""
    return {
        "request_id": row_id,
        "prompt_id": one.prompt["prompt_id"],
        "teacher": one.name,
        "provider": one.request.provider,
        "model": one.request.model,
        "finish_reason": reply.finish_reason,
        "reasoning": reply.reasoning or "\n\n".join(read_thoughts(reply.text).thoughts),
        "reasoning_tokens": reply.reasoning_tokens,
        "completion_tokens": reply.completion_tokens,
    }


def _metrics(
    kept: list[dict[str, Any]],
    rejected: list[dict[str, str]],
    asked: list[_Asked],
    params: DistillParams,
    execution: Execution,
) -> DistillMetrics:
    answers = [one.reply for one in asked if isinstance(one.reply, ChatAnswer)]
    teachers = {
        name: _teacher_metrics(teacher, [one for one in asked if one.name == name], kept, execution)
        for name, teacher in params.teachers.items()
    }
    each = list(teachers.values())
    days = sorted(one.prices_as_of for one in each if one.prices_as_of)
    told = len(each) > 1 or any(one.reasoning_tokens for one in each)
    samplings = [_sampling(teacher) for teacher in params.teachers.values()]
    return DistillMetrics(
        provider=", ".join(dict.fromkeys(one.provider for one in each)),
        model=", ".join(dict.fromkeys(one.model for one in each)),
        sampling=samplings[0] if samplings.count(samplings[0]) == len(samplings) else {},
        rows=Ledger(
            read=len(asked),
            kept=len(kept),
            rejected=dict(sorted(Counter(row["rule"] for row in rejected).items())),
            failed=len(asked) - len(answers),
        ),
        answered=len(answers),
        prompt_tokens=sum(one.prompt_tokens for one in each),
        completion_tokens=sum(one.completion_tokens for one in each),
        cached_tokens=sum(answer.cached_tokens for answer in answers),
        by_batch=sum(answer.by_batch for answer in answers),
        cost_usd=round(sum(one.cost_usd for one in each), 6),
        priced=all(one.priced for one in each),
        prices_as_of=days[0] if days else None,
        kept_by_level=dict(sorted(Counter(row["level"] for row in kept).items())),
        kept_by_kind=dict(sorted(Counter(row["kind"] for row in kept).items())),
        teachers=teachers if told else None,
    )


def _teacher_metrics(
    teacher: Teacher, asked: list[_Asked], kept: list[dict[str, Any]], execution: Execution
) -> TeacherMetrics:
    answers = [one.reply for one in asked if isinstance(one.reply, ChatAnswer)]
    usable = {row["prompt_id"] for row in kept}
    price = execution.prices.get(teacher.model)
    return TeacherMetrics(
        provider=teacher.provider,
        model=teacher.model,
        api=teacher.api,
        request=teacher.request.sent,
        prompts=len(asked),
        answered=len(answers),
        kept=sum(one.prompt["prompt_id"] in usable for one in asked),
        prompt_tokens=sum(answer.prompt_tokens for answer in answers),
        completion_tokens=sum(answer.completion_tokens for answer in answers),
        reasoning_tokens=sum(answer.reasoning_tokens for answer in answers),
        cost_usd=round(sum(answer_usd(price, answer) for answer in answers), 6),
        priced=price is not None,
        prices_as_of=price.as_of.isoformat() if price else None,
    )


def _sampling(teacher: Teacher) -> dict[str, float]:
    sent = teacher.request.sent
    return {name: sent[name] for name in ("temperature", "top_p", *LIMITS) if name in sent}
