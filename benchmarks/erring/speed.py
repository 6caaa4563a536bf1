"""How fast the problem writer answers each task, and how much CPU `augment` adds to a row. CPU time alone."""

import gc
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import dataframely as dy

from benchmarks.erring.runs import LIMITS, ROOT, Walked, execution, prompts_of, walked
from jz3.answers.equality import equal
from jz3.sandbox.program_rows import run_rows
from jz3.sandbox.settings import Limits
from jz3.store.row_store import open_store
from jz3.tables.seed_problem import SeedProblem
from jz3.tables.words import KINDS, LEVELS
from jz3.teacher import judge
from jz3.teacher.asks import filled
from jz3.teacher.augment import augment, request_of
from jz3.teacher.beginnings import Seeds
from jz3.teacher.number_masks import masks_of
from jz3.teacher.taught import AugmentParams, begins_at
from jz3.teacher.teacher import ask, teacher_of
from jz3.text.problem_text import last_boxed, programs_of
from jz3.workers.batch import program_workers
from jz3.workers.crew import open_crew
from jz3.writer.catalogue import FAMILIES
from jz3.writer.server import MODEL, complete
from jz3.writer.splits import distinct_draws

WARM_UP = 2
"""Seeds that are replayed before anything is timed (chosen: the fewest that load all modules)."""
PASSAGE = "Apples cost money, and so do boxes. A farmer counts them in the evening. "
PROMPT = "Write.\n\nLevel: {level}\nKind: {kind}\n\n### Passage\n{passage}{number}\n\n### New problem\n"


@dataclass(frozen=True)
class Request:
    """A request to the writer."""

    prompt: str
    seed: int | None


def per_second(work: Callable[[], object], units: int) -> float:
    """Units of work per CPU second."""
    started = time.process_time()
    work()
    return units / (time.process_time() - started)


def rate(requests: Sequence[Request], model: str = MODEL) -> float:
    """Requests that the writer answers per CPU second, from body to body, without HTTP."""

    def answer() -> None:
        for one in requests:
            message = {"role": "user", "content": one.prompt}
            complete({"model": model, "messages": [message], "seed": one.seed, "max_tokens": 2048})

    return per_second(answer, len(requests))


def writing(count: int) -> list[Request]:
    """Requests for new problems, all levels and kinds in turn."""
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


def requests_of(rounds: Sequence[Walked], params: AugmentParams) -> list[Request]:
    """The requests of a run, in its order: the mix of the recipe."""
    return [
        Request(one.prompt, request_of(one, params).seed) for round_ in rounds for one, _, _ in round_.asks
    ]


def beside_recipes(seeds: dy.DataFrame[SeedProblem]) -> list[Request]:
    """Requests of the tasks that no recipe asks of a writer that does not err: a reflection on an attempt
    without a box, the skills of MASS, and a judge's verdict.
    """
    files = ("recipes/personamath/reflect.md", "recipes/mass/skills.md", f"judges/{judge.PROMPT}")
    templates = [(ROOT / "data" / file).read_text(encoding="utf-8") for file in files]
    return [
        Request(
            filled(
                template,
                {
                    judge.QUESTION: seed["question"],
                    "{attempt}": seed["solution"].replace("\\boxed", ""),
                    judge.GOLD: seed["answer"],
                    judge.PREDICTED: seed["answer"],
                },
            ),
            number,
        )
        for number, seed in enumerate(seeds.iter_rows(named=True))
        for template in templates
    ]


def by_task(requests: Sequence[Request]) -> dict[str, list[Request]]:
    """Requests by the task that they name."""
    found: dict[str, list[Request]] = defaultdict(list)
    for one in requests:
        found[one.prompt.partition("Task: ")[2].partition("\n")[0]].append(one)
    return dict(found)


@dataclass(frozen=True)
class Added:
    """CPU microseconds per row of `augment`, when the store has all answers and outputs."""

    rows: int
    whole: float
    calls: float
    """Reading answers back, round by round."""
    programs: float
    """Reading outputs back, round by round."""
    grader: float
    composing: float
    """The recipe's own work: drawing graphs and their values, and judging the results."""

    @property
    def own(self) -> float:
        """What `augment` adds."""
        return self.whole - self.calls - self.programs - self.grader - self.composing


def added(seeds: Seeds, params: AugmentParams) -> Added:
    """The parts of a run that the store has completely are repeated one by one and subtracted. Call it in a
    process that has not run the recipe, since its memory would hold what was read.
    """
    replay = execution().model_copy(update={"teacher": "replay"})
    prompts = prompts_of(params.recipe.name)
    augment(begins_at(params).cast(seeds.head(WARM_UP)), prompts, params, execution())  # imports and patterns
    gc.collect()
    gc.freeze()  # a collection that goes through all modules takes 45 ms: it would fall on some runs alone
    whole = _seconds(lambda: augment(seeds, prompts, params, replay))
    rounds = walked(seeds, params, open_store())
    rows = sum(len(one.asks) for one in rounds)

    def call() -> None:
        for round_ in rounds:
            if round_.asks:
                requests = [request_of(one, params) for one, _, _ in round_.asks]
                names = [teacher_of(one.ask_id, params) for one, _, _ in round_.asks]
                ask(names, requests, params, replay)

    def grade() -> None:
        for one, reply, _ in (answered for round_ in rounds for answered in round_.asks):
            boxed = last_boxed(reply.text)
            if one.expected is not None and boxed is not None:
                equal(one.expected, boxed)

    def run_programs() -> None:
        with open_crew(program_workers(replay)) as crew:
            for round_ in rounds:
                begun = [program for _, _, text in round_.asks if text for program in programs_of(text)]
                sources = [*begun, *(one.source for one in round_.programs)]
                if sources:
                    run_rows(sources, Limits.model_validate(LIMITS), replay, "programs", crew)

    composing = sum(
        after.own_s
        for before, after in pairwise(rounds)
        if any(one.operator == "compose" for one in (*before.programs, *after.programs))
    )
    parts = (whole, _seconds(call), _seconds(run_programs), _seconds(grade), composing)
    return Added(rows, *(part / rows * 1e6 for part in parts))


def graphs_per_second(seeds: Seeds, params: AugmentParams) -> float:
    """Graphs of RV-Syn that are drawn, given values and judged per CPU second, in a finished run."""
    rounds = walked(seeds, params, open_store())
    graphs = sum(one.operator == "compose" for round_ in rounds for one in round_.programs)
    return graphs / sum(
        after.own_s
        for before, after in pairwise(rounds)
        if any(one.operator == "compose" for one in (*before.programs, *after.programs))
    )


def maskings_per_second(questions: Sequence[str]) -> float:
    """Questions whose numbers are found, replaced and labelled per CPU second, and put back as a check."""

    def mask() -> None:
        for question in questions:
            masks_of(question)

    assert all(one.restored == question for question in questions for one in masks_of(question))
    return per_second(mask, len(questions))


def questions(each: int) -> list[str]:
    """`each` questions of every family, in its wordings in turn."""
    return [
        family.wordings[number % len(family.wordings)].format(**values.drawn)
        for family in FAMILIES
        for number, values in enumerate(distinct_draws(family, "instruction", each, "masking"))
    ]


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started
