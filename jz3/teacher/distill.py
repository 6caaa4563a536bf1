"""The teacher writes a problem for each prompt: the KD set that a synthesis model learns from.

Promises: each prompt becomes a problem, a reject with its rule, or a failure with its reason; a prompt that a
cap on the teacher's tokens leaves out is rejected by `distill.budget` (jz3/teacher/budget.py). Each call is
made once: after that the answer comes from the row store, for this set and any other with the same prompt,
and the outputs of this stage do not depend on which of the two happened. Costs the teacher's price.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dataframely as dy
import polars as pl
from pydantic import BaseModel, SerializerFunctionWrapHandler, model_serializer

from jz3.core.artifacts import In
from jz3.core.execution import Execution, Price
from jz3.generation.asking import KeySet, key_set
from jz3.generation.chat import ChatAnswer, ChatFailure, ChatRequest, chat_key
from jz3.generation.spending import answer_usd
from jz3.notation.thoughts import read_thoughts
from jz3.tables.failure import Failure
from jz3.tables.ledger import Ledger
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.tables.reject import Reject
from jz3.tables.teacher_answer import TeacherAnswer
from jz3.teacher.budget import tokens, within
from jz3.teacher.declaration import Teacher
from jz3.teacher.teacher import Reply, Teachers, ask, request_for, spent, teacher_of, whose
from jz3.text.problem_text import Unusable, read_completion


class TeacherMetrics(BaseModel):
    """One teacher's answers in a set, and their cost."""

    provider: str
    model: str
    api: str
    request: dict[str, Any]
    """The fields of each request."""
    prompts: int
    answered: int
    kept: int
    prompt_tokens: int
    completion_tokens: int
    """Including the tokens of thoughts."""
    reasoning_tokens: int
    cost_usd: float
    priced: bool
    prices_as_of: str | None


class DistillMetrics(BaseModel):
    """What was asked and what resulted. `provider` shows whether an LLM or the problem writer wrote the
    set.
    """

    provider: str
    """All providers if there are several teachers; so for their models."""
    model: str
    sampling: dict[str, float]
    """Temperature, top_p and the greatest number of tokens, if they are sent and equal for all teachers."""
    rows: Ledger
    answered: int
    """Prompts with an answer, usable or not."""
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    """Prompt tokens that the provider had in its cache."""
    by_batch: int
    """Answers that came through batch files."""
    cost_usd: float
    """The cost of all answers, at the prices of `execution`, whenever they were paid for."""
    priced: bool
    """Whether each model has a price; a model without one counts as free."""
    prices_as_of: str | None
    """The day of that price; if there are several, the earliest."""
    kept_by_level: dict[str, int]
    kept_by_kind: dict[str, int]
    teachers: dict[str, TeacherMetrics] | None
    """Metrics by teacher; only if there are several, or one has thoughts."""

    @model_serializer(mode="wrap")
    def _without_nothing(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what is None, so that the metrics of a set without thoughts are the same as before."""
        return {name: value for name, value in write(self).items() if name != "teachers" or value is not None}


@dataclass(frozen=True)
class KdSet:
    """Tables of Problem, Reject, Failure and TeacherAnswer, and the metrics."""

    problems: pl.DataFrame
    rejects: pl.DataFrame
    failures: pl.DataFrame
    answers: pl.DataFrame
    metrics: DistillMetrics


@dataclass(frozen=True)
class _Asked:
    """A prompt, the teacher that it went to, and the reply."""

    prompt: Mapping[str, Any]
    name: str
    request: ChatRequest
    reply: Reply


@dataclass(frozen=True)
class Cap:
    """The tokens that the prompts of a set may take. `share` of them is for prompts on passages of the first
    round, the rest for those of the second. The parts are separate, so that a set which repeats the first
    round keeps what that took, whatever the second adds.
    """

    tokens: int
    share: float
    first: frozenset[str]
    """Ids of the passages of the first round."""


def distill(
    prompts: dy.DataFrame[Prompt], params: Teachers, execution: Execution, cap: Cap | None = None
) -> KdSet:
    """Ask a teacher for a problem for each prompt, except those that a cap leaves out."""
    rows = list(prompts.sort("prompt_id").iter_rows(named=True))
    taken = None if cap is None else _taken(rows, cap, params, execution)
    inside = [row for row in rows if taken is None or row["passage_id"] in taken]
    beyond = [row for row in rows if taken is not None and row["passage_id"] not in taken]
    return _sorted_out(_ask(inside, params, execution), beyond, params, execution)


def cap_of(teacher_tokens: int | None, share: float, first: In[Passage]) -> Cap | None:
    """The cap of a set; None if there is none, and then no passage is read."""
    if teacher_tokens is None:
        return None
    ids = first.scan().select("passage_id").collect()["passage_id"]
    return Cap(teacher_tokens, share, frozenset(ids))


def _ask(
    rows: Sequence[Mapping[str, Any]],
    params: Teachers,
    execution: Execution,
    whole_set: KeySet | None = None,
) -> list[_Asked]:
    names = [teacher_of(row["prompt_id"], params) for row in rows]
    requests = [chat_request(row, params) for row in rows]
    replies = ask(names, requests, params, execution, whole_set)
    return [_Asked(*one) for one in zip(rows, names, requests, replies, strict=True)]


def _taken(
    rows: Sequence[Mapping[str, Any]], cap: Cap, params: Teachers, execution: Execution
) -> frozenset[str]:
    """The passages whose prompts are asked. The cap on money applies to the whole set."""
    whole_set = key_set(chat_request(row, params) for row in rows)
    of_passage: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        of_passage.setdefault(row["passage_id"], []).append(row)

    def tokens_of(passages: Sequence[str]) -> Mapping[str, int]:
        found = dict.fromkeys(passages, 0)
        asked = [row for passage in passages for row in of_passage[passage]]
        for one in _ask(asked, params, execution, whole_set):
            found[one.prompt["passage_id"]] += tokens(one.reply)
        return found

    first = int(cap.tokens * cap.share)
    parts = ((of_passage.keys() & cap.first, first), (of_passage.keys() - cap.first, cap.tokens - first))
    return frozenset().union(*(within(part, most, params.seed, tokens_of) for part, most in parts))


def chat_request(prompt: Mapping[str, Any], params: Teachers) -> ChatRequest:
    """The request for a prompt (its `prompt_id` and `full` text) to its teacher."""
    return request_for(prompt["prompt_id"], prompt["full"], params)


def _sorted_out(
    asked: list[_Asked], beyond: Sequence[Mapping[str, Any]], params: Teachers, execution: Execution
) -> KdSet:
    kept: list[dict[str, Any]] = []
    rejected = [
        {"row_id": row["prompt_id"], "rule": "distill.budget", "evidence": row["passage_id"]}
        for row in beyond
    ]
    failed: list[dict[str, str]] = []
    answered: list[dict[str, Any]] = []
    for one in asked:
        row_id, prompt, reply = chat_key(one.request), one.prompt, one.reply
        if isinstance(reply, ChatFailure):
            failed.append({"request_id": row_id, "row_id": prompt["prompt_id"], "reason": reply.reason})
            continue
        read = read_completion(
            reply.text, reply.finish_reason, prompt["kind"], prompt["full"], reply.reasoning
        )
        usable = not isinstance(read, Unusable)
        price = execution.prices.get(one.request.model)
        answered.append(_answer_row(row_id, one, reply, price) | {"kept": usable})
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
        metrics=_metrics(len(asked) + len(beyond), kept, rejected, asked, params, execution),
    )


def _answer_row(row_id: str, one: _Asked, reply: ChatAnswer, price: Price | None) -> dict[str, Any]:
    """A row of TeacherAnswer. If thoughts could not be separated from a text, it has those that are
    marked.
    """
    return {
        "request_id": row_id,
        "prompt_id": one.prompt["prompt_id"],
        "teacher": one.name,
        "provider": one.request.provider,
        "model": one.request.model,
        "finish_reason": reply.finish_reason,
        "reasoning": reply.reasoning or "\n\n".join(read_thoughts(reply.text).thoughts),
        "reasoning_tokens": reply.reasoning_tokens,
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "cost_usd": None if price is None else answer_usd(price, reply),
    }


def _metrics(
    read: int,
    kept: list[dict[str, Any]],
    rejected: list[dict[str, str]],
    asked: list[_Asked],
    params: Teachers,
    execution: Execution,
) -> DistillMetrics:
    total = spent([(params.teachers[one.name], one.reply) for one in asked], execution)
    teachers = {
        name: _teacher_metrics(teacher, [one for one in asked if one.name == name], kept, execution)
        for name, teacher in params.teachers.items()
    }
    told = len(teachers) > 1 or any(one.reasoning_tokens for one in teachers.values())
    return DistillMetrics(
        **whose(params),
        rows=Ledger(
            read=read,
            kept=len(kept),
            rejected=dict(sorted(Counter(row["rule"] for row in rejected).items())),
            failed=len(asked) - total.answered,
        ),
        **vars(total),
        kept_by_level=dict(sorted(Counter(row["level"] for row in kept).items())),
        kept_by_kind=dict(sorted(Counter(row["kind"] for row in kept).items())),
        teachers=teachers if told else None,
    )


def _teacher_metrics(
    teacher: Teacher, asked: list[_Asked], kept: list[dict[str, Any]], execution: Execution
) -> TeacherMetrics:
    total = spent([(teacher, one.reply) for one in asked], execution)
    usable = {row["prompt_id"] for row in kept}
    return TeacherMetrics(
        provider=teacher.provider,
        model=teacher.model,
        api=teacher.api,
        request=teacher.request.sent,
        prompts=len(asked),
        answered=total.answered,
        kept=sum(one.prompt["prompt_id"] in usable for one in asked),
        prompt_tokens=total.prompt_tokens,
        completion_tokens=total.completion_tokens,
        reasoning_tokens=sum(
            one.reply.reasoning_tokens for one in asked if isinstance(one.reply, ChatAnswer)
        ),
        cost_usd=total.cost_usd,
        priced=total.priced,
        prices_as_of=total.prices_as_of,
    )
