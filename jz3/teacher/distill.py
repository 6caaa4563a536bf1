"""The teacher writes a problem for each prompt: the KD set that a synthesis model learns from.

Promises: each prompt becomes a problem, a reject with its rule, or a failure with its reason. A call is made
once: the answer comes from the row store ever after, for this set and any other that holds the prompt, and
nothing that this stage leaves tells the one from the other. Costs: the teacher's price.
"""

import os
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import dataframely as dy
import polars as pl
from pydantic import BaseModel, Field

from jz3.core.execution import Execution
from jz3.core.hashing import draw_order
from jz3.core.params import Params, Seed
from jz3.generation.asking import ask_all
from jz3.generation.chat import ChatAnswer, ChatFailure, ChatRequest, chat_key
from jz3.generation.endpoint import Endpoint
from jz3.generation.spending import answer_usd
from jz3.tables.failure import Failure
from jz3.tables.ledger import Ledger
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.tables.reject import Reject
from jz3.text.problem_text import Unusable, read_completion
from jz3.writer.server import serve_writer

SEED_LIMIT = 1 << 31
"""Servers take seeds of 32 bits with a sign at the least."""


class DistillParams(Params):
    """Who is asked, and how."""

    provider: Literal["writer", "openai", "azure", "vllm"]
    """Who answers. `writer` is the built-in problem writer, which the stage serves itself; for the others
    OPENAI_BASE_URL and OPENAI_API_KEY say where and with what key."""
    model: str
    temperature: float = Field(ge=0)
    top_p: float = Field(gt=0, le=1)
    max_tokens: int = Field(ge=1)
    seed: Seed
    """Each prompt's own seed is drawn from it by hash."""


class DistillMetrics(BaseModel):
    """What was asked and what came of it. A problem writer's set is no LLM's: `provider` says whose it is."""

    provider: str
    model: str
    sampling: dict[str, float]
    """Temperature, top_p and the greatest number of tokens."""
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
    """Whether the model has a price; else it counts as free."""
    prices_as_of: str | None
    """The day of that price."""
    kept_by_level: dict[str, int]
    kept_by_kind: dict[str, int]


@dataclass(frozen=True)
class KdSet:
    """Tables of Problem, Reject and Failure, and their numbers."""

    problems: pl.DataFrame
    rejects: pl.DataFrame
    failures: pl.DataFrame
    metrics: DistillMetrics


def distill(prompts: dy.DataFrame[Prompt], params: DistillParams, execution: Execution) -> KdSet:
    """Ask the teacher for a problem for each prompt."""
    asked = list(prompts.sort("prompt_id").iter_rows(named=True))
    requests = [chat_request(prompt, params) for prompt in asked]
    with _endpoint(params) as endpoint:
        replies = list(ask_all(requests, endpoint, execution, what="teacher"))
    return _sorted_out(asked, requests, replies, params, execution)


@contextmanager
def _endpoint(params: DistillParams) -> Generator[Endpoint]:
    if params.provider == "writer":
        with serve_writer() as base_url:
            yield Endpoint(base_url=base_url, api_key="none")
    else:
        yield Endpoint(base_url=os.environ.get("OPENAI_BASE_URL"), api_key=os.environ.get("OPENAI_API_KEY"))


def chat_request(prompt: Mapping[str, Any], params: DistillParams) -> ChatRequest:
    """What the teacher is asked for a prompt (its `prompt_id` and `full` text)."""
    return ChatRequest(
        provider=params.provider,
        model=params.model,
        prompt=prompt["full"],
        temperature=params.temperature,
        top_p=params.top_p,
        max_tokens=params.max_tokens,
        seed=draw_order(params.seed, prompt["prompt_id"]) % SEED_LIMIT,
    )


def _sorted_out(
    asked: list[dict[str, Any]],
    requests: list[ChatRequest],
    replies: list[ChatAnswer | ChatFailure],
    params: DistillParams,
    execution: Execution,
) -> KdSet:
    kept: list[dict[str, Any]] = []
    rejected: list[dict[str, str]] = []
    failed: list[dict[str, str]] = []
    for prompt, request, reply in zip(asked, requests, replies, strict=True):
        row_id = chat_key(request)
        if isinstance(reply, ChatFailure):
            failed.append({"request_id": row_id, "row_id": prompt["prompt_id"], "reason": reply.reason})
            continue
        read = read_completion(reply.text, reply.finish_reason, prompt["kind"], prompt["full"])
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
        metrics=_metrics(kept, rejected, replies, params, execution),
    )


def _metrics(
    kept: list[dict[str, Any]],
    rejected: list[dict[str, str]],
    replies: list[ChatAnswer | ChatFailure],
    params: DistillParams,
    execution: Execution,
) -> DistillMetrics:
    answers = [reply for reply in replies if isinstance(reply, ChatAnswer)]
    prompt_tokens = sum(answer.prompt_tokens for answer in answers)
    completion_tokens = sum(answer.completion_tokens for answer in answers)
    price = execution.prices.get(params.model)
    return DistillMetrics(
        provider=params.provider,
        model=params.model,
        sampling=params.model_dump(include={"temperature", "top_p", "max_tokens"}),
        rows=Ledger(
            read=len(replies),
            kept=len(kept),
            rejected=dict(sorted(Counter(row["rule"] for row in rejected).items())),
            failed=len(replies) - len(answers),
        ),
        answered=len(answers),
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        cached_tokens=sum(answer.cached_tokens for answer in answers),
        by_batch=sum(answer.by_batch for answer in answers),
        cost_usd=round(sum(answer_usd(price, answer) for answer in answers), 6),
        priced=price is not None,
        prices_as_of=price.as_of.isoformat() if price else None,
        kept_by_level=dict(sorted(Counter(row["level"] for row in kept).items())),
        kept_by_kind=dict(sorted(Counter(row["kind"] for row in kept).items())),
    )
