"""A solver answers each problem several times: how hard a problem is for it, and what it answers most often.

Promises: a draw is named by problem and number alone, so that more draws ask for the new ones, and neither
the order of the problems nor other problems move any; every draw becomes an attempt or a failure with its
reason. The solver is a model of the graph under any engine, or a teacher. Costs one completion a draw, once
ever: each is a row of the row store. Holds the table and its answers in memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import dataframely as dy
import polars as pl
from pydantic import BaseModel, Field, model_validator

from jz3.core.artifacts import InDir, InFiles
from jz3.core.execution import Execution
from jz3.core.hashing import draw_order
from jz3.core.params import Params, Seed
from jz3.generation.chat import ChatFailure, ChatRequest, chat_key
from jz3.generation.completion_rows import generate_rows, generation_workers
from jz3.generation.engine import ComputedIn, EngineName, GenerationRequest, Sampling, Turn
from jz3.generation.engines import open_engine
from jz3.tables.attempt import Attempt
from jz3.tables.failure import Failure
from jz3.tables.ledger import Ledger
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.pass_rate import PassRate
from jz3.tables.problem import Problem
from jz3.teacher.asks import read_prompt
from jz3.teacher.declaration import Teacher
from jz3.teacher.pass_rates import Drawn, judge, pass_rates
from jz3.teacher.teacher import Spent, Teachers, ask, request_for, spent
from jz3.workers.crew import open_crew

QUESTION = "{question}"


class ModelSolver(Params):
    """The model that the graph names beside the problems answers."""

    kind: Literal["model"]
    engine: EngineName
    dtype: ComputedIn
    """What the model computes in: part of a row's key."""
    form: Literal["text", "chat"]
    """`text` goes on from the prompt; `chat` asks it in the model's own chat template."""
    seed: Seed
    temperature: float = Field(ge=0)
    top_p: float = Field(gt=0, le=1)
    max_tokens: int = Field(ge=1)
    stop: list[str]

    @property
    def sampling(self) -> Sampling:
        return Sampling(
            temperature=self.temperature, top_p=self.top_p, max_tokens=self.max_tokens, stop=self.stop
        )


class TeacherSolver(Params):
    """A teacher answers; the model that the graph names is not read."""

    kind: Literal["teacher"]
    teacher: Teacher
    seed: Seed
    """Each draw's own seed is drawn from it by hash, where the teacher is sent one."""

    @property
    def teachers(self) -> Teachers:
        return Teachers(teachers={"solver": self.teacher}, seed=self.seed)


class SolveParams(Params):
    """Who answers each problem, and how often."""

    name: str = Field(min_length=1)
    """In the tables."""
    draws: int = Field(ge=1)
    """Answers to each problem."""
    prompt: str = Field(min_length=1)
    """File under `data/solvers` that puts a question."""
    symbolic_seconds: float = Field(gt=0)
    """CPU time that sympy gets for one pair; after it the answers are different."""
    solver: Annotated[ModelSolver | TeacherSolver, Field(discriminator="kind")]

    @model_validator(mode="after")
    def _draws_differ(self) -> "SolveParams":
        greedy = isinstance(self.solver, ModelSolver) and self.solver.temperature == 0
        if greedy and self.draws > 1:
            raise ValueError(
                f"{self.draws} draws at temperature 0 are one answer; 1 draw, or more temperature"
            )
        return self


class SolveMetrics(BaseModel):
    """Rows are draws: kept are those that were answered. Shares are of problems that have an answer; None
    where no problem has one.
    """

    solver: str
    model: str
    """Digest of the weights, or the name that the teacher has for its model."""
    problems: int
    known: int
    """Problems that have an answer."""
    draws: int
    """Of each problem."""
    rows: Ledger
    boxed: float
    """Share of the answered draws that end in a box."""
    pass_rate: float | None
    """Mean over problems."""
    solved: float | None
    """Share with a right draw."""
    voted_right: float | None
    """Share where the answer of most draws is right."""
    by_level: dict[str, float]
    """Mean pass rate; problems without a level are left out."""
    truncated: int
    """Draws cut at the token limit."""
    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    """Of the completion tokens, those of thoughts."""
    paid: Spent | None
    """What a teacher's answers took; None for a model of the graph."""


@dataclass(frozen=True)
class Draw:
    """One answer to ask for."""

    problem_id: str
    number: int
    prompt: str

    @property
    def name(self) -> str:
        """That its seed is drawn by."""
        return f"{self.problem_id}/{self.number}"


@dataclass(frozen=True)
class Solved:
    """Tables of Attempt, PassRate and Failure, and their numbers."""

    attempts: dy.DataFrame[Attempt]
    rates: dy.DataFrame[PassRate]
    failures: pl.DataFrame
    metrics: SolveMetrics


def solve(
    problems: dy.DataFrame[Problem],
    prompts: InFiles,
    model: InDir[ModelManifest],
    params: SolveParams,
    execution: Execution,
) -> Solved:
    """Answer each problem `draws` times and judge the answers."""
    draws, paid = draws_of(problems, prompts, params), None
    if isinstance(params.solver, ModelSolver):
        drawn, failures = _by_model(draws, model, params.solver, execution), []
        identity = model.manifest().digest
    else:
        drawn, failures, paid = _by_teacher(draws, params.solver, execution)
        identity = params.solver.teacher.model
    golds = dict(problems.select("problem_id", "answer").iter_rows())
    attempts = judge(drawn, golds, params.name, params.symbolic_seconds)
    rates = pass_rates(attempts, golds, params.name)
    ledger = Ledger(read=len(draws), kept=len(drawn), rejected={}, failed=len(draws) - len(drawn))
    return Solved(
        attempts=attempts,
        rates=rates,
        failures=pl.DataFrame(failures, schema=Failure.create_empty().schema),
        metrics=_metrics(problems, attempts, rates, params, ledger, identity, paid),
    )


def draws_of(problems: dy.DataFrame[Problem], prompts: InFiles, params: SolveParams) -> list[Draw]:
    """All that the solver is asked: by draw, then by problem, so that more draws come last."""
    text = read_prompt(prompts, params.prompt, (QUESTION,))
    posed = [
        (problem_id, text.replace(QUESTION, problem))
        for problem_id, problem in problems.sort("problem_id").select("problem_id", "problem").iter_rows()
    ]
    return [
        Draw(problem_id, number, prompt) for number in range(params.draws) for problem_id, prompt in posed
    ]


def generation_request(draw: Draw, solver: ModelSolver) -> GenerationRequest:
    """What an engine is asked."""
    prompt = (Turn("user", draw.prompt.strip()),) if solver.form == "chat" else draw.prompt
    return GenerationRequest(prompt, draw_order(solver.seed, draw.name))


def chat_request(draw: Draw, solver: TeacherSolver) -> ChatRequest:
    """What a teacher is sent."""
    return request_for(draw.name, draw.prompt, solver.teachers, draw.number)


def _by_model(
    draws: Sequence[Draw], model: InDir[ModelManifest], solver: ModelSolver, execution: Execution
) -> list[Drawn]:
    requests = [generation_request(draw, solver) for draw in draws]
    with (
        open_engine(solver.engine, model, solver.dtype, execution) as engine,
        open_crew(generation_workers(engine, execution)) as crew,
    ):
        written = generate_rows(engine, requests, solver.sampling, execution, "draws", crew)
    return [
        Drawn(
            draw.problem_id,
            draw.number,
            text=one.text,
            reasoning="",
            finish_reason=one.finish_reason,
            prompt_tokens=one.prompt_tokens,
            completion_tokens=one.completion_tokens,
            reasoning_tokens=0,
        )
        for draw, one in zip(draws, written, strict=True)
    ]


def _by_teacher(
    draws: Sequence[Draw], solver: TeacherSolver, execution: Execution
) -> tuple[list[Drawn], list[dict[str, str]], Spent]:
    """Answers, failures (one for equal requests), and what the answers took."""
    requests = [chat_request(draw, solver) for draw in draws]
    replies = ask(["solver"] * len(requests), requests, solver.teachers, execution)
    drawn: list[Drawn] = []
    failures: dict[str, dict[str, str]] = {}
    for draw, request, reply in zip(draws, requests, replies, strict=True):
        if isinstance(reply, ChatFailure):
            key = chat_key(request)
            failures[key] = {"request_id": key, "row_id": draw.name, "reason": reply.reason}
            continue
        drawn.append(
            Drawn(
                draw.problem_id,
                draw.number,
                text=reply.text,
                reasoning=reply.reasoning,
                finish_reason=reply.finish_reason,
                prompt_tokens=reply.prompt_tokens,
                completion_tokens=reply.completion_tokens,
                reasoning_tokens=reply.reasoning_tokens,
            )
        )
    return drawn, list(failures.values()), spent([(solver.teacher, reply) for reply in replies], execution)


def _metrics(
    problems: dy.DataFrame[Problem],
    attempts: dy.DataFrame[Attempt],
    rates: dy.DataFrame[PassRate],
    params: SolveParams,
    rows: Ledger,
    model: str,
    paid: Spent | None,
) -> SolveMetrics:
    known = rates.filter(pl.col("right").is_not_null())
    levels = known.join(problems.select("problem_id", "level"), on="problem_id").drop_nulls("level")
    by_level = levels.group_by("level").agg(pl.col("rate").mean()).drop_nulls("rate").sort("level")
    return SolveMetrics(
        solver=params.name,
        model=model,
        problems=rates.height,
        known=known.height,
        draws=params.draws,
        rows=rows,
        boxed=_mean(attempts, pl.col("answer").is_not_null()) or 0.0,
        pass_rate=_mean(known, pl.col("rate")),
        solved=_mean(known, pl.col("right") > 0),
        voted_right=_mean(known, pl.col("voted_right")),
        by_level={str(level): round(rate, 6) for level, rate in by_level.iter_rows()},
        truncated=attempts.filter(pl.col("finish_reason") == "length").height,
        prompt_tokens=int(attempts["prompt_tokens"].sum()),
        completion_tokens=int(attempts["completion_tokens"].sum()),
        reasoning_tokens=int(attempts["reasoning_tokens"].sum()),
        paid=paid,
    )


def _mean(rows: pl.DataFrame, values: pl.Expr) -> float | None:
    mean = rows.select(values.mean()).item()
    return None if mean is None else round(float(mean), 6)
