"""A teacher writes problems from seed problems or from passages, following a published recipe.

A recipe asks in rounds (jz3/teacher/asks.py): the results of one round, such as rewordings, are the subject
of the next. Programs of solutions run between rounds, through the row store.

Promises:

- Every ask becomes a problem with its lineage, a reject with its rule, a failure with its reason, or a text
  that lives on in the asks that it leads to.
- The ledger of an operator accounts for everything that it asked. The overall ledger counts what could have
  become a problem and what was rejected before that: seeds without a gold answer, maskings, texts.
- An ask is paid for once. Its draw is part of its identity, so that more draws ask only for the new ones, and
  a larger set contains a smaller one; a killed run asks only for what is missing, round by round.

Costs the teacher's price, and the comparison of answers.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from jz3.core.artifacts import InFiles
from jz3.core.execution import Execution
from jz3.generation.chat import ChatAnswer, ChatFailure, ChatRequest, chat_key
from jz3.sandbox.program_rows import run_rows
from jz3.sandbox.result import ProgramResult
from jz3.tables.failure import Failure
from jz3.tables.ledger import Ledger
from jz3.tables.lineage import Lineage
from jz3.tables.problem import Problem
from jz3.tables.reject import Reject
from jz3.teacher.asks import Ask, Judged, Program, seed_of
from jz3.teacher.beginnings import Seeds
from jz3.teacher.budget import tokens, within
from jz3.teacher.declaration import Teacher
from jz3.teacher.read_answers import judged_answers, text_of
from jz3.teacher.solutions import Solution
from jz3.teacher.taught import (
    AugmentParams,
    asks_across,
    begins_at,
    left_out,
    must_fit,
    next_round,
    rounds_of,
)
from jz3.teacher.teacher import Reply, Spent, ask, request_for, spent, teacher_of, whose
from jz3.teacher.tool_solutions import Begun, run_begun
from jz3.teacher.workings import Working
from jz3.text.problem_text import EVIDENCE_CHARACTERS, Unusable, programs_of
from jz3.workers.batch import program_workers
from jz3.workers.crew import Crew, open_crew

SOURCE = "seed"
"""The `source` of the problems, in tables of Problem; the seeds' own table says where they come from."""


class OperatorMetrics(Spent):
    """One operator of a recipe."""

    rows: Ledger


class AugmentMetrics(Spent):
    """What was asked and what resulted. `provider` says whether an LLM wrote it."""

    provider: str
    model: str
    sampling: dict[str, float]
    """Temperature, top_p and the greatest number of tokens."""
    kept_tokens: int
    """Prompt and completion tokens of the answers that became problems."""
    seeds: int
    """Seed problems, or the passages that a recipe uses instead."""
    rows: Ledger
    operators: dict[str, OperatorMetrics]
    """Metrics by operator; seeds without a gold answer or beyond the budget are in none."""
    kept_by_level: dict[str, int]
    """Kept problems by level; those whose seed has no level are left out."""


@dataclass(frozen=True)
class Augmented:
    """Tables of Problem, Lineage, Reject and Failure, and the metrics."""

    problems: pl.DataFrame
    lineage: pl.DataFrame
    rejects: pl.DataFrame
    failures: pl.DataFrame
    workings: Sequence[Working]
    metrics: AugmentMetrics


def augment(
    seeds: Seeds,
    prompts: InFiles,
    params: AugmentParams,
    execution: Execution,
    teacher_tokens: int | None = None,
) -> Augmented:
    """Ask for everything that the recipe makes of the seeds or passages, round by round, and judge it.
    Nothing is asked about those that `teacher_tokens` do not reach; None means no limit. Raises
    AcrossSeedsError if a recipe that cannot be cut takes more.
    """
    beginning = begins_at(params)
    results = _Results({row[beginning.key]: row for row in seeds.iter_rows(named=True)}, params)
    known = seeds.filter(beginning.with_gold())
    for row in seeds.filter(~beginning.with_gold()).iter_rows(named=True):
        results.turn_away_seed(row[beginning.key], Unusable("no_gold", beginning.shown(row)))
    with open_crew(program_workers(execution)) as crew:
        if teacher_tokens is not None and asks_across(params) is None:
            taken = _within(known, teacher_tokens, prompts, params, execution, crew)
            within_cap = pl.col(beginning.key).is_in(list(taken))
            for row in known.filter(~within_cap).iter_rows(named=True):
                results.turn_away_seed(row[beginning.key], Unusable("budget", beginning.shown(row)))
            known = known.filter(within_cap)
        results.ask(beginning.cast(known), prompts, execution, crew)
    results.leave_out()
    augmented = results.tables(execution)
    if teacher_tokens is not None:
        took = augmented.metrics.prompt_tokens + augmented.metrics.completion_tokens
        must_fit(params, took, teacher_tokens)
    return augmented


def _within(
    seeds: pl.DataFrame,
    cap: int,
    prompts: InFiles,
    params: AugmentParams,
    execution: Execution,
    crew: Crew,
) -> frozenset[str]:
    """The seeds or passages that a cap reaches."""
    beginning = begins_at(params)
    rows = {row[beginning.key]: row for row in seeds.iter_rows(named=True)}

    def tokens_of(some: Sequence[str]) -> Mapping[str, int]:
        results = _Results({seed: rows[seed] for seed in some}, params, capped=True)
        wave = seeds.filter(pl.col(beginning.key).is_in(list(some)))
        results.ask(beginning.cast(wave), prompts, execution, crew)
        return {seed: results.tokens_of_seed[seed] for seed in some}

    return within(rows, cap, params.seed, tokens_of)


def request_of(one: Ask, params: AugmentParams) -> ChatRequest:
    """The request to the teacher."""
    return request_for(one.ask_id, one.prompt, params, one.draw)


def results_of(programs: Sequence[Program], execution: Execution, crew: Crew) -> list[ProgramResult]:
    """The results of a round's programs, which share one limit. Runs what the store lacks."""
    if not programs:
        return []
    return run_rows([one.source for one in programs], programs[0].limits, execution, "programs", crew).results


@dataclass
class _Operator:
    """An operator's asks, their answers, and the verdict on each of its rows."""

    replies: list[tuple[Teacher, Reply]] = field(default_factory=list[tuple[Teacher, Reply]])
    rule_of: dict[str, str | None] = field(default_factory=dict[str, str | None])
    """The rule of each row; None if it is kept, empty if it failed."""

    def ledger(self) -> Ledger:
        return _ledger(list(self.rule_of.values()))


class _Results:
    """Judged answers, in the order in which they are added: of equal ones the first is kept."""

    def __init__(
        self, seeds: Mapping[str, Mapping[str, Any]], params: AugmentParams, *, capped: bool = False
    ) -> None:
        self._seeds, self._params, self._capped = seeds, params, capped
        self.tokens_of_seed: Counter[str] = Counter()
        """Tokens of all answers, if they are counted for a cap."""
        self._seeds_turned_away = 0
        self._problems: list[dict[str, Any]] = []
        self._lineage: list[dict[str, Any]] = []
        self._rejects: list[dict[str, str]] = []
        self._failures: list[dict[str, str]] = []
        self._operators: dict[str, _Operator] = {}
        self._kept_as: dict[tuple[str, str], str] = {}
        self._begun: list[tuple[Ask, Begun]] = []
        self._lived_on = 0
        self.workings: list[Working] = []
        self._tokens: dict[str, int] = {}
        """Tokens of each answer, by its ask."""

    def ask(self, seeds: Seeds, prompts: InFiles, execution: Execution, crew: Crew) -> None:
        """Ask for everything that the recipe makes of some seeds or passages, and judge it."""
        params = self._params
        rounds = rounds_of(seeds, prompts, params)
        round_ = next(rounds, None)
        while round_ is not None:
            self.judge(round_.judged)
            units = [seed_of(one) for one in round_.asks if self._capped]
            requests = [request_of(one, params) for one in round_.asks]
            names = [teacher_of(one.ask_id, params) for one in round_.asks]
            replies = ask(names, requests, params, execution) if requests else []
            if self._capped:
                for unit, reply in zip(units, replies, strict=True):
                    self.tokens_of_seed[unit] += tokens(reply)
            self.workings += round_.workings
            texts = self.add(round_.asks, requests, names, replies)
            printed = self.run(execution, crew) | self.run_programs(round_.programs, execution, crew)
            round_ = next_round(rounds, texts | printed)

    def turn_away_seed(self, seed_id: str, refusal: Unusable) -> None:
        """Write a reject for a seed about which nothing is asked."""
        self.turn_away(seed_id, refusal)
        self._seeds_turned_away += 1

    def turn_away(self, row_id: str, refusal: Unusable) -> str:
        """Write a reject; return its rule."""
        named = f"{self._params.recipe.name}.{refusal.rule}"
        self._rejects.append({"row_id": row_id, "rule": named, "evidence": refusal.evidence})
        return named

    def judge(self, judged: Sequence[Judged]) -> None:
        """Record the recipe's own verdicts."""
        for one in judged:
            rule = None if one.refusal is None else self.turn_away(one.row_id, one.refusal)
            self._operator(one.operator).rule_of[one.row_id] = rule
            self._lived_on += rule is None

    def add(
        self,
        asked: Sequence[Ask],
        requests: Sequence[ChatRequest],
        names: Sequence[str],
        replies: Sequence[Reply],
    ) -> dict[str, str]:
        """Judge the answers of a round; return the texts that the recipe reads or continues from."""
        texts: dict[str, str] = {}
        answers: list[tuple[Ask, ChatAnswer]] = []
        for one, request, name, reply in zip(asked, requests, names, replies, strict=True):
            operator = self._operator(one.operator)
            operator.replies.append((self._params.teachers[name], reply))
            if isinstance(reply, ChatFailure):
                operator.rule_of[one.ask_id] = ""
                failure = {"request_id": chat_key(request), "row_id": one.ask_id, "reason": reply.reason}
                self._failures.append(failure)
                continue
            text = None if one.form == "solution" else text_of(one, reply)
            if isinstance(text, str):
                texts[one.ask_id] = text
            if one.form != "text":
                answers.append((one, reply))
                self._tokens[one.ask_id] = reply.prompt_tokens + reply.completion_tokens
            elif isinstance(text, Unusable):
                operator.rule_of[one.ask_id] = self.turn_away(one.ask_id, text)
        for one, read in judged_answers(answers):
            if isinstance(read, Unusable):
                del self._tokens[one.ask_id]  # another answer may write the row that continues it
            if isinstance(read, Begun):
                self._begun.append((one, read))
                continue
            rule = self._keep(one, read) if isinstance(read, Solution) else self.turn_away(one.ask_id, read)
            self._operator(one.operator).rule_of[one.ask_id] = rule
        return texts

    def run(self, execution: Execution, crew: Crew) -> dict[str, str]:
        """Solutions of the last round up to their programs' output; the recipe asks for the rest."""
        waiting, self._begun = self._begun, []
        found = run_begun([begun for _, begun in waiting], execution, crew)
        texts: dict[str, str] = {}
        for (one, _), text in zip(waiting, found, strict=True):
            if isinstance(text, Unusable):
                self._operator(one.operator).rule_of[one.ask_id] = self.turn_away(one.ask_id, text)
            else:
                texts[one.ask_id] = text
        return texts

    def run_programs(self, programs: Sequence[Program], execution: Execution, crew: Crew) -> dict[str, str]:
        """The output of the recipe's programs; rows whose programs fail are rejected."""
        printed: dict[str, str] = {}
        for one, result in zip(programs, results_of(programs, execution, crew), strict=True):
            if result.status == "ok":
                printed[one.row_id] = result.stdout
            elif one.operator is not None:
                rule = "program_timeout" if result.status == "timeout" else "program_failed"
                refusal = Unusable(rule, f"{result.status}: {result.error}"[:EVIDENCE_CHARACTERS])
                self._operator(one.operator).rule_of[one.row_id] = self.turn_away(one.row_id, refusal)
        return printed

    def leave_out(self) -> None:
        """Reject what is right but not to be kept, once everything is there."""
        lines = {line["problem_id"]: line for line in self._lineage}
        out = left_out(self._problems, lines, self._params)
        for row_id, refusal in sorted(out.items()):
            operator = self._operator(lines[row_id]["operator"])
            operator.rule_of[row_id] = self.turn_away(row_id, refusal)
        self._problems = [row for row in self._problems if row["problem_id"] not in out]
        self._lineage = [row for row in self._lineage if row["problem_id"] not in out]

    def _operator(self, name: str) -> _Operator:
        return self._operators.setdefault(name, _Operator())

    def _keep(self, one: Ask, read: Solution) -> str | None:
        """Keep a solution; return the rule if an earlier answer is the same."""
        text = " ".join(read.text.split())
        same = one.ask_id if one.counted else self._kept_as.setdefault((one.question, text), one.ask_id)
        if same != one.ask_id:
            return self.turn_away(one.ask_id, Unusable("repeated", same))
        self._problems.append(
            {
                "problem_id": one.ask_id,
                "prompt_id": None,
                **self._written_from(one),
                "kind": "tool" if programs_of(read.text) and one.tool else "cot",
                "problem": one.question,
                "solution": read.text,
                "answer": read.answer,
            }
        )
        named = {name: getattr(one, name) for name in ("recipe", "operator", "variant", "draw")}
        held = {"expected": one.expected, "expected_from": one.expected_from}
        origin = {"seed_ids": list(one.seed_ids), "parent_ids": list(one.parent_ids)}
        self._lineage.append({"problem_id": one.ask_id, **named, **origin, **held})
        return None

    def _written_from(self, one: Ask) -> dict[str, str | None]:
        """The fields that a row gets from its passage or its seed."""
        if one.origin is not None:
            return {**vars(one.origin), "subject": None}
        seed = self._seeds[one.seed_ids[0]]
        of_seed = {name: None if one.composed else seed[name] for name in ("level", "subject")}
        return {"passage_id": None, "source": SOURCE, **of_seed}

    def tables(self, execution: Execution) -> Augmented:
        operators = dict(sorted(self._operators.items()))
        replies = [reply for operator in operators.values() for reply in operator.replies]
        rules: list[str | None] = [one["rule"] for one in self._rejects]
        judged = sum(len(operator.rule_of) for operator in operators.values()) - self._lived_on
        metrics = AugmentMetrics(
            **vars(spent(replies, execution)),
            **whose(self._params),
            kept_tokens=sum(map(self._tokens_of, self._lineage)),
            seeds=len(self._seeds),
            rows=_ledger([*rules, *("" for _ in self._failures), *(None for _ in self._problems)]),
            operators={
                name: OperatorMetrics(**vars(spent(operator.replies, execution)), rows=operator.ledger())
                for name, operator in operators.items()
            },
            kept_by_level=dict(
                sorted(Counter(row["level"] for row in self._problems if row["level"]).items())
            ),
        )
        assert metrics.rows.read == judged + self._seeds_turned_away, (
            "a row of an operator is in no table, or in two"
        )
        return Augmented(
            problems=pl.DataFrame(self._problems, schema=Problem.create_empty().schema),
            lineage=pl.DataFrame(self._lineage, schema=Lineage.create_empty().schema),
            rejects=pl.DataFrame(self._rejects, schema=Reject.create_empty().schema),
            failures=pl.DataFrame(self._failures, schema=Failure.create_empty().schema),
            workings=self.workings,
            metrics=metrics,
        )

    def _tokens_of(self, line: Mapping[str, Any]) -> int:
        """Tokens of a kept solution: of its last answer and of those that it continues."""
        return sum(self._tokens.get(name, 0) for name in (line["problem_id"], *line["parent_ids"]))


def _ledger(rules: Sequence[str | None]) -> Ledger:
    """A ledger of rows by their rules: None if a row is kept, empty if it failed."""
    return Ledger(
        read=len(rules),
        kept=sum(rule is None for rule in rules),
        rejected=dict(sorted(Counter(rule for rule in rules if rule).items())),
        failed=sum(rule == "" for rule in rules),
    )
