"""The teacher writes a problem for each prompt: the KD set that a synthesis model learns from.

Promises: each prompt becomes a problem, a reject with its rule, or a failure with its reason. A call is made
once: the answer comes from the row store ever after, for this set and any other that holds the prompt, and
nothing that this stage leaves tells the one from the other. Costs: the teacher's price.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dataframely as dy
import polars as pl
from pydantic import BaseModel

from jz3.core.execution import Execution
from jz3.generation.chat import ChatFailure, ChatRequest, chat_key
from jz3.tables.failure import Failure
from jz3.tables.ledger import Ledger
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.tables.reject import Reject
from jz3.teacher.teacher import Reply, TeacherParams, ask, request_for, spent
from jz3.text.problem_text import Unusable, read_completion


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


def distill(prompts: dy.DataFrame[Prompt], params: TeacherParams, execution: Execution) -> KdSet:
    """Ask the teacher for a problem for each prompt."""
    asked = list(prompts.sort("prompt_id").iter_rows(named=True))
    requests = [chat_request(prompt, params) for prompt in asked]
    return _sorted_out(asked, requests, ask(requests, params, execution), params, execution)


def chat_request(prompt: Mapping[str, Any], params: TeacherParams) -> ChatRequest:
    """What the teacher is asked for a prompt (its `prompt_id` and `full` text)."""
    return request_for(prompt["prompt_id"], prompt["full"], params)


def _sorted_out(
    asked: list[dict[str, Any]],
    requests: list[ChatRequest],
    replies: list[Reply],
    params: TeacherParams,
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
    replies: list[Reply],
    params: TeacherParams,
    execution: Execution,
) -> DistillMetrics:
    answers = spent(replies, params, execution)
    return DistillMetrics(
        provider=params.provider,
        model=params.model,
        sampling=params.model_dump(include={"temperature", "top_p", "max_tokens"}),
        rows=Ledger(
            read=len(replies),
            kept=len(kept),
            rejected=dict(sorted(Counter(row["rule"] for row in rejected).items())),
            failed=len(replies) - answers.answered,
        ),
        **vars(answers),
        kept_by_level=dict(sorted(Counter(row["level"] for row in kept).items())),
        kept_by_kind=dict(sorted(Counter(row["kind"] for row in kept).items())),
    )
