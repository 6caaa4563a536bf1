"""Whether five draws of a masked question decide as computing does (MetaMath).

Where nobody can compute the answer of a masked question, the draws of a teacher must agree
(jz3/teacher/agreement.py). Here they are drawn for maskings that can be computed, so that it is known which
have a second value.
"""

from dataclasses import dataclass

import dataframely as dy

from benchmarks.erring.runs import prompts_of
from jz3.core.hashing import draw_order
from jz3.generation.chat import ChatAnswer
from jz3.tables.seed_problem import SeedProblem
from jz3.teacher.agreement import DRAWS, disagreement
from jz3.teacher.masked_values import fitting, known_reading
from jz3.teacher.number_masks import masks_of
from jz3.teacher.recipes.metamath import QUESTION, TOLD
from jz3.teacher.solutions import Solution, read_solution
from jz3.writer.server import planted
from jz3.writer.tasks.judge import is_same
from jz3.writer.tasks.manner import UNKNOWN


@dataclass(frozen=True)
class Decided:
    """Maskings by what is so, and by what the draws of the writer that errs say."""

    with_another: int
    """Maskings with a second value."""
    found: int
    """Of these, those that the draws reject."""
    unique: int
    """Maskings without one."""
    lost: int
    """Of these, those that the draws reject."""

    @property
    def recall(self) -> float:
        """Of maskings with a second value, those that are rejected."""
        return self.found / self.with_another

    @property
    def precision(self) -> float:
        """Of rejected maskings, those with a second value."""
        return self.found / (self.found + self.lost)


def decided(seeds: dy.DataFrame[SeedProblem]) -> Decided:
    """Of every masking of these seeds that can be computed and that the writer reads."""
    template = (prompts_of("metamath").path / "unknown.md").read_text(encoding="utf-8")
    counts = {(another, rejected): 0 for another in (True, False) for rejected in (True, False)}
    for seed in seeds.iter_rows(named=True):
        reading = known_reading(seed["question"], seed["answer"])
        for masked in masks_of(seed["question"]):
            fit = None if reading is None else fitting(masked, reading)
            if fit is None or is_same(seed["answer"], masked.label):
                continue
            told = TOLD.format(gold=seed["answer"], variable=masked.variable)
            prompt = template.replace(QUESTION, f"{masked.text.rstrip()} {told}")
            answers = [_answer(prompt, f"{seed['seed_id']}/{masked.start}/{draw}") for draw in range(DRAWS)]
            if UNKNOWN not in answers:
                rejected = disagreement(answers, masked.label) is not None
                counts[bool(fit.others), rejected] += 1
    return Decided(
        with_another=counts[True, True] + counts[True, False],
        found=counts[True, True],
        unique=counts[False, True] + counts[False, False],
        lost=counts[False, True],
    )


def _answer(prompt: str, name: str) -> str | None:
    """The value in a box; UNKNOWN where the writer does not read the question."""
    right, erred = planted(prompt, draw_order(31, name))
    if right == UNKNOWN:
        return UNKNOWN
    read = read_solution(ChatAnswer(erred.text, erred.finish_reason, 0, 0, 0, by_batch=False), None)
    return read.answer if isinstance(read, Solution) else None
