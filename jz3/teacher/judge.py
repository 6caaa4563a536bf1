"""A judge: a teacher says whether two answers are the same, in addition to the rules.

Promises: the rules' verdict stands; if the judge's differs, the pair is listed with both, and neither is
overruled. Each opinion is a row of the row store, paid for once. Costs one completion per different pair.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from jz3.answers.grade_file import GradeLine, grade_answer
from jz3.answers.symbolic import AnswerVerdict
from jz3.core.artifacts import InFiles
from jz3.core.errors import UserError
from jz3.core.execution import Execution
from jz3.core.hashing import content_id
from jz3.generation.chat import CHAT, ChatFailure, ChatRequest, chat_key
from jz3.generation.spending import greatest_usd
from jz3.store.row_store import open_store
from jz3.teacher.asks import filled, read_prompt
from jz3.teacher.teacher import Reply, Teachers, ask, request_for, spent
from jz3.text.problem_text import last_boxed

PROMPT = "answers.md"
QUESTION, GOLD, PREDICTED = "{question}", "{gold}", "{predicted}"
SAID = {"same": True, "different": False}
UNREAD = frozenset(
    ("different_kinds", "unreadable", "undefined", "too_long", "too_deep", "control_characters", "timeout")
)
"""Rules by which answers differ because they could not be read as values of one kind."""


@dataclass(frozen=True)
class Pair:
    """Two answers to a problem."""

    gold: str
    predicted: str | None
    """None if there is no answer: then nobody is asked."""
    question: str
    """The question; may be empty."""
    benchmark: str | None
    """The benchmark whose rules apply."""
    known: bool | None
    """Whether they are the same, if the file says so."""


@dataclass(frozen=True)
class Opinion:
    """The verdicts of the rules and of the judge on a pair."""

    pair: Pair
    rules: AnswerVerdict
    judge: bool | None
    """None if the judge was not asked, or gave no verdict."""
    said: str
    """The judge's words, or why there are none."""

    @property
    def disagrees(self) -> bool:
        """Whether the judge's verdict differs from the rules'."""
        return self.judge is not None and self.judge != self.rules.equal

    def row(self, number: int, by: str, model: str) -> dict[str, Any]:
        """The opinion as a line of a file; `number` is that of the pair, from 1."""
        pair = self.pair
        return {
            "row": number,
            "gold": pair.gold,
            "predicted": pair.predicted,
            "benchmark": pair.benchmark,
            "known": pair.known,
            "rules": self.rules.equal,
            "rule": self.rules.rule,
            "judge": self.judge,
            "disagrees": self.disagrees,
            "by": by,
            "model": model,
            "said": self.said,
        }


class JudgeAccount(BaseModel):
    """How rules and judge compare. Shares are of pairs for which the judge's verdict and the truth are known;
    None if there are none.
    """

    pairs: int
    asked: int
    without_verdict: int
    """Pairs that were asked but got no verdict, or no answer at all."""
    agreeing: int
    disagreeing: int
    known: int
    """Pairs with a verdict of the judge for which the file gives the truth."""
    rules_right: float | None
    judge_right: float | None
    rules_right_where_they_disagree: int
    judge_right_where_they_disagree: int
    completion_tokens: int
    cost_usd: float


class JudgePlan(BaseModel):
    """The requests that a judge would get."""

    pairs: int
    requests: int
    """Different requests."""
    stored: int
    most_usd: float | None
    """The most that the missing ones may cost; None if the model has no price."""


def judge(
    pairs: Sequence[Pair], prompts: InFiles, params: Teachers, execution: Execution, *, unread: bool
) -> tuple[list[Opinion], JudgeAccount]:
    """An opinion on each pair, in order. `params` must have one teacher. With `unread` it is asked only about
    pairs that the rules cannot read.
    """
    verdicts = [grade_answer(GradeLine(pair.gold, pair.predicted, pair.benchmark)) for pair in pairs]
    asked = _asked(pairs, verdicts, unread=unread)
    (name,) = params.teachers
    requests = judge_requests([pairs[place] for place in asked], prompts, params)
    replies = ask([name] * len(requests), requests, params, execution)
    by_place = dict(zip(asked, replies, strict=True))
    opinions = [
        _opinion(pair, verdict, by_place.get(place))
        for place, (pair, verdict) in enumerate(zip(pairs, verdicts, strict=True))
    ]
    once = dict(zip(map(chat_key, requests), replies, strict=True)).values()
    cost = spent([(params.teachers[name], reply) for reply in once], execution)
    return opinions, _account(opinions, len(asked), cost.completion_tokens, cost.cost_usd)


def plan(
    pairs: Sequence[Pair], prompts: InFiles, params: Teachers, execution: Execution, *, unread: bool
) -> JudgePlan:
    """What `judge` would ask; asks nothing."""
    verdicts = [grade_answer(GradeLine(pair.gold, pair.predicted, pair.benchmark)) for pair in pairs]
    asked = _asked(pairs, verdicts, unread=unread)
    requests = judge_requests([pairs[place] for place in asked], prompts, params)
    by_key = {chat_key(request): request for request in requests}
    stored = open_store().known(CHAT, list(by_key))
    (teacher,) = params.teachers.values()
    price = execution.prices.get(teacher.model)
    by_batch = execution.teacher == "batch"
    left = [request for key, request in by_key.items() if key not in stored]
    return JudgePlan(
        pairs=len(pairs),
        requests=len(by_key),
        stored=len(stored),
        most_usd=price and round(sum(greatest_usd(price, one, by_batch=by_batch) for one in left), 6),
    )


def judge_requests(pairs: Sequence[Pair], prompts: InFiles, params: Teachers) -> list[ChatRequest]:
    """The requests to the teacher; a pair's texts name its request and draw its seed."""
    template = read_prompt(prompts, PROMPT, (QUESTION, GOLD, PREDICTED))
    return [
        request_for(
            content_id(pair.question, pair.gold, pair.predicted or ""),
            filled(template, {QUESTION: pair.question, GOLD: pair.gold, PREDICTED: pair.predicted or ""}),
            params,
        )
        for pair in pairs
    ]


def read_verdict(text: str) -> bool | None:
    """The verdict in the last box of a judge's answer; None if there is none."""
    boxed = (last_boxed(text) or "").strip()
    return SAID.get(boxed.removeprefix("\\text{").removesuffix("}").strip().lower())


def teacher_named(name: str, declared: Teachers) -> Teachers:
    """The declaration of one teacher of `distill`. Raises UserError."""
    if name not in declared.teachers:
        raise UserError(
            f"distill.teachers of params.yaml has no teacher '{name}'; one of {', '.join(declared.teachers)} "
            f"was expected. Declare it there, or name another with --by."
        )
    return Teachers(teachers={name: declared.teachers[name]}, seed=declared.seed)


def _asked(pairs: Sequence[Pair], verdicts: Sequence[AnswerVerdict], *, unread: bool) -> list[int]:
    return [
        place
        for place, (pair, verdict) in enumerate(zip(pairs, verdicts, strict=True))
        if pair.predicted is not None and (not unread or (not verdict.equal and verdict.rule in UNREAD))
    ]


def _opinion(pair: Pair, verdict: AnswerVerdict, reply: Reply | None) -> Opinion:
    if reply is None:
        return Opinion(pair, verdict, None, "not asked")
    if isinstance(reply, ChatFailure):
        return Opinion(pair, verdict, None, f"no answer: {reply.reason}")
    return Opinion(pair, verdict, read_verdict(reply.text), reply.text)


def _account(opinions: Sequence[Opinion], asked: int, tokens: int, usd: float) -> JudgeAccount:
    given = [one for one in opinions if one.judge is not None]
    known = [one for one in given if one.pair.known is not None]
    apart = [one for one in known if one.disagrees]
    return JudgeAccount(
        pairs=len(opinions),
        asked=asked,
        without_verdict=asked - len(given),
        agreeing=sum(not one.disagrees for one in given),
        disagreeing=sum(one.disagrees for one in given),
        known=len(known),
        rules_right=_share(sum(one.rules.equal == one.pair.known for one in known), len(known)),
        judge_right=_share(sum(one.judge == one.pair.known for one in known), len(known)),
        rules_right_where_they_disagree=sum(one.rules.equal == one.pair.known for one in apart),
        judge_right_where_they_disagree=sum(one.judge == one.pair.known for one in apart),
        completion_tokens=tokens,
        cost_usd=usd,
    )


def _share(count: int, of: int) -> float | None:
    return round(count / of, 6) if of else None
