"""How fast the problem writer answers each task, and how much CPU `augment` adds to a row. CPU time alone."""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import dataframely as dy

from benchmarks.erring.runs import LIMITS, execution, prompts_of, walked
from jz3.answers.equality import equal
from jz3.generation.chat import ChatAnswer
from jz3.sandbox.program_rows import run_rows
from jz3.sandbox.settings import Limits
from jz3.store.row_store import open_store
from jz3.tables.seed_problem import SeedProblem
from jz3.tables.words import KINDS, LEVELS
from jz3.teacher.asks import Ask
from jz3.teacher.augment import augment, request_of
from jz3.teacher.taught import AugmentParams
from jz3.teacher.teacher import ask, teacher_of
from jz3.text.problem_text import last_boxed, programs_of
from jz3.workers.batch import program_workers
from jz3.workers.crew import open_crew
from jz3.writer.server import MODEL, complete

LIMITS_OF_PROGRAMS = Limits.model_validate(LIMITS)
PASSAGE = "Apples cost money, and so do boxes. A farmer counts them in the evening. "
PROMPT = "Write.\n\nLevel: {level}\nKind: {kind}\n\n### Passage\n{passage}{number}\n\n### New problem\n"


@dataclass(frozen=True)
class Request:
    """What the writer is asked."""

    prompt: str
    seed: int | None


def per_second(work: Callable[[], object], units: int) -> float:
    """Units of work a second of CPU."""
    started = time.process_time()
    work()
    return units / (time.process_time() - started)


def rate(requests: Sequence[Request], model: str = MODEL) -> float:
    """Requests that the writer answers a second of CPU, from body to body, without HTTP."""

    def answer() -> None:
        for one in requests:
            message = {"role": "user", "content": one.prompt}
            complete({"model": model, "messages": [message], "seed": one.seed, "max_tokens": 2048})

    return per_second(answer, len(requests))


def writing(count: int) -> list[Request]:
    """Requests for new problems, of every level and kind in turn."""
    return [
        Request(
            PROMPT.format(
                level=LEVELS[number % len(LEVELS)],
                kind=KINDS[number // len(LEVELS) % len(KINDS)],
                passage=PASSAGE * 4,
                number=number,
            ),
            number,
        )
        for number in range(count)
    ]


def requests_of(asked: Sequence[tuple[Ask, ChatAnswer, str | None]], params: AugmentParams) -> list[Request]:
    """Those of a run, in its order: the mix of the recipe."""
    return [Request(one.prompt, request_of(one, params).seed) for one, _, _ in asked]


def by_task(requests: Sequence[Request]) -> dict[str, list[Request]]:
    """Requests by the task that they name."""
    found: dict[str, list[Request]] = defaultdict(list)
    for one in requests:
        found[one.prompt.partition("Task: ")[2].partition("\n")[0]].append(one)
    return dict(found)


@dataclass(frozen=True)
class Added:
    """Microseconds of CPU of a row of `augment` whose answers and outputs the store has."""

    whole: float
    calls: float
    """Reading answers back."""
    programs: float
    """Reading outputs back."""
    grader: float

    @property
    def own(self) -> float:
        """What `augment` adds."""
        return self.whole - self.calls - self.programs - self.grader


def added(seeds: dy.DataFrame[SeedProblem], params: AugmentParams) -> Added:
    """Of a run that the store has whole: its parts are done again one by one, and taken off."""
    asked = walked(seeds, params, open_store())
    replay = execution().model_copy(update={"teacher": "replay"})
    rows = len(asked)

    def us(work: Callable[[], object]) -> float:
        started = time.process_time()
        work()
        return (time.process_time() - started) / rows * 1e6

    def call() -> None:
        requests = [request_of(one, params) for one, _, _ in asked]
        ask([teacher_of(one.ask_id, params) for one, _, _ in asked], requests, params, replay)

    def grade() -> None:
        for one, reply, _ in asked:
            boxed = last_boxed(reply.text)
            if one.expected is not None and boxed is not None:
                equal(one.expected, boxed)

    sources = [program for _, _, output in asked if output for program in programs_of(output)]

    def run_programs() -> None:
        if sources:
            with open_crew(program_workers(replay)) as crew:
                run_rows(sources, LIMITS_OF_PROGRAMS, replay, "programs", crew)

    prompts = prompts_of(params.recipe.name)
    us(lambda: augment(seeds, prompts, params, replay))  # imports and patterns
    return Added(us(lambda: augment(seeds, prompts, params, replay)), us(call), us(run_programs), us(grade))
