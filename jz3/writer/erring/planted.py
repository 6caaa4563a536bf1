r"""Deliberate errors: what the problem writer answers under the name of the erring model.

The right answer of a request is drawn first. Then the hash of prompt and seed alone decides whether an error
is planted in it, and which: among those that the form of the answer allows (a box, a program, two parts, or
plain text) and those of its task, the first that changes it. So a new task needs no code here for general
errors. An answer does not show that it is wrong; `err` tells it again for the same request.

The rate depends on the level (RATES): that in the prompt, or that of the family whose wording its question
has. Reflection errs half as often. An answer that says it does not know stays as it is.

Costs some 20 microseconds per answer, and 100 if an error is planted.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from jz3.writer.draws import Draws
from jz3.writer.erring import programs, questions, steps, stories, texts
from jz3.writer.family import Family, latex
from jz3.writer.tasks import mask
from jz3.writer.tasks.number_words import read_words
from jz3.writer.tasks.unknown import read_backward

RATES = {
    "grade": 0.05,
    "middle": 0.10,
    "high": 0.15,
    "amc8": 0.15,
    "college": 0.25,
    "amc10": 0.25,
    "amc12": 0.30,
    "aime": 0.40,
}
"""Share of answers with an error, by level (fact sheet, section 9.5: harder ones fail more often)."""
USUAL_RATE = 0.15
"""The rate if no level is known, as for a told problem (chosen: that of `high`, in the middle)."""
REFLECTION = 0.5
"""Factor of the rate for reflection (fact sheet, section 9.5)."""
_ONE = 1 << 64
"""The range of `Draws.bits`."""
_LEVEL = re.compile(r"^Level: (\w+)$", re.MULTILINE)
_DATA = re.compile(r"^### (?:Problem|Question)\n(.*?)(?=\n### |\Z)", re.MULTILINE | re.DOTALL)
_SHOWN = re.compile(r"^### Solution with values hidden\n(.*?)\n### Solution\s*\Z", re.MULTILINE | re.DOTALL)
_DOES_NOT_KNOW = "I do not know"
_SECOND_PART = "[Solution]\n"

Spoil = Callable[[str, Draws], str | None]


@dataclass(frozen=True)
class Erred:
    """An answer, and the error planted in it."""

    text: str
    finish_reason: Literal["stop", "length"]
    kind: str | None
    """The kind of error; None if the answer is right."""


def err(task: str | None, prompt: str, right: str, key: str) -> Erred:
    """The answer to a request whose right answer is known. `task` is None if a problem was asked for."""
    draws = Draws(f"{key}\x00error")
    share = draws.bits("error") / _ONE
    if task == "reflect":
        share /= REFLECTION
    if share >= max(RATES.values()) or right.startswith(_DOES_NOT_KNOW) or share >= rate_of(task, prompt):
        return Erred(right, "stop", None)
    kinds = sorted(_spoilings(task, prompt, right), key=lambda one: draws.bits(f"kind/{one[0]}"))
    for kind, spoil in kinds:
        text = spoil(right, draws)
        if text is not None and text.strip() != right.strip():
            return Erred(text, "length" if kind == "cut_end" else "stop", kind)
    return Erred(right, "stop", None)


def rate_of(task: str | None, prompt: str) -> float:
    """Share of the answers to prompts of this level that have an error."""
    head, _, _ = prompt.partition("\n### ")
    named = _LEVEL.search(head)
    if named is not None:
        return RATES.get(named[1], USUAL_RATE)
    family = _family_of(task, prompt)
    return USUAL_RATE if family is None else RATES[family.level]


def _family_of(task: str | None, prompt: str) -> Family | None:
    asked = _DATA.search(prompt)
    if asked is None:
        return None
    if task == "unknown":
        backward = read_backward(asked[1].strip())
        return None if backward is None else backward.family
    reading = read_words(asked[1].strip())
    return None if reading is None else reading.family


def _spoilings(task: str | None, prompt: str, right: str) -> Iterator[tuple[str, Spoil]]:
    """Kinds of errors and how to apply them. A further kind does not change the others, except where it is
    drawn.
    """
    yield "cut_end", texts.broken_off
    yield "early_end", texts.broken_off
    has_box, has_program = "\\boxed{" in right, "```python\n" in right
    if has_box:
        yield "slip", _behind(_SECOND_PART, steps.slipped)
        yield "wrong_operation", _behind(_SECOND_PART, steps.otherwise_computed)
        yield "no_box", texts.without_box
    if has_program:
        yield "program_fails", programs.failing
        yield "wrong_program", programs.wrong
    if not has_box and not has_program:
        yield "number_changed", texts.other_number
    match task:
        case None:
            yield "number_changed", _before(_SECOND_PART, texts.other_number)
            yield "mark_lost", texts.without_mark
        case "rephrase" | "retell":
            yield "numbers_turned", texts.turned_numbers
            yield "question_lost", texts.without_question
            yield "remark", texts.with_remark
            if task == "retell":
                yield "persona_named", texts.with_persona_named
        case "declare":
            yield "variable_lost", texts.without_variable
            yield "asked_again", texts.asked_again
        case "reflect":
            yield "mark_lost", texts.without_mark
            yield "attempt_named", texts.with_attempt_named
        case "program":
            yield "own_output", programs.with_own_output
            yield from _copied(prompt)
        case "tell":
            yield "numbers_turned", texts.turned_numbers
            yield "sentence_left_out", stories.sentence_left_out
            yield "unclear_reference", stories.unclear_reference
            yield "other_operation", stories.other_operation
            yield "other_result_asked", stories.other_result_asked
            yield "code_shown", lambda text, draws: stories.code_shown(text, prompt, draws)
        case "mask":
            yield from _unmasked(prompt)
        case "document_questions" | "concept_questions":
            yield "question_lost", questions.in_one_question(questions.question_lost)
            yield "remark", questions.in_one_question(questions.solution_beside)
            yield "document_named", questions.in_one_question(questions.document_named)
            if task == "concept_questions":
                yield "one_concept", questions.one_concept
                yield "same_concepts", questions.same_concepts
        case "concepts":
            yield "topics_lost", questions.without("topics")
            yield "concepts_lost", questions.without("concepts")
        case "skills":
            yield "unnamed", questions.unnamed
        case _:
            pass


def _copied(prompt: str) -> Iterator[tuple[str, Spoil]]:
    """A program that prints an answer which the reference shows."""
    shown, asked = _SHOWN.search(prompt), _DATA.search(prompt)
    reading = read_words(asked[1].strip()) if shown and asked else None
    if shown is None or reading is None or reading.answer is None:
        return
    answer = latex(reading.answer)
    if re.search(rf"(?<![\w.]){re.escape(answer)}(?!\w|\.\d)", shown[1]):
        yield "copied", lambda _text, _draws: programs.copying(str(reading.answer))


def _unmasked(prompt: str) -> Iterator[tuple[str, Spoil]]:
    """Hidden values that should be shown, or the other way round."""
    asked = mask.DATA.search(prompt)
    reading = read_words(asked[1].strip()) if asked else None
    if reading is None or reading.answer is None:
        return
    family, values, question = reading.family, reading.values, asked[1] if asked else ""
    solved = {name: latex(value) for name, value in family.solve(values).items()}
    solution = family.solution.format(**values.drawn, **solved)
    yield "value_left", lambda copy, draws: stories.value_left(copy, solution, draws)
    yield "answer_shown", lambda copy, draws: stories.answer_shown(copy, solved["answer"], draws)
    yield "data_lost", lambda copy, draws: stories.data_lost(copy, question, draws)
    yield "letters_mixed", stories.letters_mixed


def _behind(mark: str, spoil: Spoil) -> Spoil:
    """An error in the part after a mark; in the whole text if there is no mark."""

    def spoilt(text: str, draws: Draws) -> str | None:
        before, found, after = text.rpartition(mark)
        changed = spoil(after, draws)
        return None if changed is None else f"{before}{found}{changed}"

    return spoilt


def _before(mark: str, spoil: Spoil) -> Spoil:
    """An error in the part before a mark."""

    def spoilt(text: str, draws: Draws) -> str | None:
        before, found, after = text.partition(mark)
        changed = spoil(before, draws)
        return None if changed is None else f"{changed}{found}{after}"

    return spoilt
