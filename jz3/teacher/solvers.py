"""Solvers: who answers a problem, and what the request is.

A draw is named by problem and number, and its name draws the seed of the request.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field

from jz3.core.artifacts import InDir
from jz3.core.execution import Execution
from jz3.core.hashing import draw_order
from jz3.core.params import Params, Seed
from jz3.generation.chat import ChatFailure, ChatRequest, chat_key
from jz3.generation.completion_rows import generate_rows, generation_workers
from jz3.generation.engine import ComputedIn, Engine, EngineName, GenerationRequest, Sampling, Turn
from jz3.generation.engines import open_engine
from jz3.tables.model_manifest import ModelManifest
from jz3.teacher.declaration import Teacher
from jz3.teacher.pass_rates import Drawn
from jz3.teacher.teacher import Reply, Teachers, ask, request_for
from jz3.workers.crew import Crew, open_crew


class ModelSolver(Params):
    """The model that the graph names with the problems answers."""

    kind: Literal["model"]
    engine: EngineName
    dtype: ComputedIn
    """The number format in which the model computes; part of a row's key."""
    form: Literal["text", "chat"]
    """`text` continues the prompt; `chat` asks it in the model's own chat template."""
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
    """A teacher answers; the model that the graph names is not used."""

    kind: Literal["teacher"]
    teacher: Teacher
    seed: Seed
    """Each draw's own seed is drawn from it by hash, if the teacher is sent one."""

    @property
    def teachers(self) -> Teachers:
        return Teachers(teachers={"solver": self.teacher}, seed=self.seed)


@dataclass(frozen=True)
class Draw:
    """One answer to ask for."""

    problem_id: str
    number: int
    prompt: str

    @property
    def name(self) -> str:
        """The name by which its seed is drawn."""
        return f"{self.problem_id}/{self.number}"


@dataclass
class Asked:
    """The account of what was asked, apart from the answers."""

    draws: int = 0
    failures: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    """Rows of Failure by request: equal requests fail once."""
    replies: list[Reply] = field(default_factory=list[Reply])
    """Replies of a teacher."""

    def forget(self) -> None:
        """Reset the account: what was asked so far is in the row store."""
        self.draws = 0
        self.failures.clear()
        self.replies.clear()


Answer = Callable[[Sequence[Draw]], list[Drawn]]
"""The answers to some draws, in order, without those that failed."""


@contextmanager
def answering(
    solver: ModelSolver | TeacherSolver, model: InDir[ModelManifest], asked: Asked, execution: Execution
) -> Generator[Answer]:
    """A function that asks the solver; a model is loaded once for all calls. `asked` gets the account."""
    if isinstance(solver, TeacherSolver):
        yield lambda draws: _by_teacher(draws, solver, asked, execution)
        return
    with (
        open_engine(solver.engine, model, solver.dtype, execution) as engine,
        open_crew(generation_workers(engine, execution)) as crew,
    ):
        yield lambda draws: _by_model(draws, solver, asked, engine, crew, execution)


def generation_request(draw: Draw, solver: ModelSolver) -> GenerationRequest:
    """The request to an engine."""
    prompt = (Turn("user", draw.prompt.strip()),) if solver.form == "chat" else draw.prompt
    return GenerationRequest(prompt, draw_order(solver.seed, draw.name))


def chat_request(draw: Draw, solver: TeacherSolver) -> ChatRequest:
    """The request to a teacher."""
    return request_for(draw.name, draw.prompt, solver.teachers, draw.number)


def _by_model(
    draws: Sequence[Draw],
    solver: ModelSolver,
    asked: Asked,
    engine: Engine,
    crew: Crew,
    execution: Execution,
) -> list[Drawn]:
    requests = [generation_request(draw, solver) for draw in draws]
    written = generate_rows(engine, requests, solver.sampling, execution, "draws", crew)
    asked.draws += len(draws)
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
    draws: Sequence[Draw], solver: TeacherSolver, asked: Asked, execution: Execution
) -> list[Drawn]:
    requests = [chat_request(draw, solver) for draw in draws]
    replies = ask(["solver"] * len(requests), requests, solver.teachers, execution)
    asked.draws += len(draws)
    asked.replies += replies
    drawn: list[Drawn] = []
    for draw, request, reply in zip(draws, requests, replies, strict=True):
        if isinstance(reply, ChatFailure):
            key = chat_key(request)
            asked.failures[key] = {"request_id": key, "row_id": draw.name, "reason": reply.reason}
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
    return drawn
