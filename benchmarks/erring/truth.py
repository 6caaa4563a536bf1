"""Which planted errors do harm and which kept rows are wrong, by readers that share no code with filters.

Answers are compared by the problem writer's judge (jz3/writer/tasks/judge.py), not by the grader; questions
are read by the writer's families, told problems by the reader in the tests (tests/teacher/story_reader.py).
"""

import contextlib
import io
import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, Literal

from benchmarks.erring.runs import Answered, Run
from jz3.text.problem_text import last_boxed
from jz3.writer.family import latex
from jz3.writer.tasks.judge import is_same
from jz3.writer.tasks.number_words import read_words
from jz3.writer.tasks.unknown import read_backward
from tests.teacher.story_reader import answer_of

Harm = Literal["answer", "form", "none"]
"""What an error does: the final answer changes or is lost; the text gets another form; nothing."""
FORM = (
    "attempt_named", "mark_lost", "remark", "persona_named", "asked_again", "code_shown", "document_named",
    "one_concept", "same_concepts", "topics_lost", "concepts_lost",
)  # fmt: skip
BACKWARD = ("fobar", "self_verification")
_PROGRAM = re.compile(r"```python\n(.*?)(?:\n```|\Z)", re.DOTALL)
_FIELDS = re.compile(r"^(?:Origin|Level|Concepts): .*$", re.MULTILINE)
"""The fields above a question."""
_DOES_NOT_KNOW = "I do not know"


def harm_of(one: Answered) -> Harm:
    """The harm of what was planted in an answer; `none` also if nothing was planted."""
    if one.erred.kind is None:
        return "none"
    if one.erred.kind in FORM:
        return "form"
    if one.erred.finish_reason == "length":
        return "answer"
    return "answer" if _changed(one) else "none"


def _changed(one: Answered) -> bool:
    """Whether an answer arrives at a value other than that of the right one, or at none."""
    right, text = one.right, one.erred.text
    match one.ask.operator:
        case "mask" | "state":
            return True  # every kind turns them into something other than what was asked for
        case "reword" | "rewrite" | "rewrite_hard":
            asked, now = read_words(one.ask.question), read_words(text)
            return asked is None or now is None or asked.answer != now.answer
        case "tell":
            told = _told(text)
            return told is None or told != _told(right)
        case "concepts":
            return not all(re.search(mark, text, re.MULTILINE) for mark in ("^Topic: .", "^- ."))
        case "pose_1" | "pose_2" | "pose_3":
            return False  # only questions are left of it, and none of them is spoilt
        case "question_1" | "question_2" | "question_3":
            asked = read_words(_FIELDS.sub("", text).strip())
            return asked is None or asked.answer is None
        case _:
            ours, theirs = (_outcome(part) for part in (right, text))
            return ours is None or theirs is None or not is_same(ours, theirs)


def _told(story: str) -> Fraction | None:
    found = answer_of(story)
    return None if found is None else Fraction(found)


def _outcome(text: str) -> str | None:
    """What the first program of a text prints; without a program, what the last box holds."""
    program = _PROGRAM.search(text)
    if program is None:
        return last_boxed(text)
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            exec(program[1], {})  # the problem writer's own text
    except (SyntaxError, NameError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError):
        return None
    return printed.getvalue().strip() or None


def spoilt_asks(run: Run) -> dict[str, str]:
    """The asks that cannot become a right row, with the reason: a harmful error of their own or of a text
    that they continue, a text that the writer does not know or that it returned unchanged, or a right answer
    that differs from the expected one.
    """
    harms = {name: harm_of(one) for name, one in run.answered.items()}
    found: dict[str, str] = {}
    for name, one in run.answered.items():  # parents come first
        texts = [parent for parent in one.ask.parent_ids if _goes_on(run.answered.get(parent))]
        if harms[name] != "none":
            found[name] = "planted"
        elif any(parent in found for parent in texts):
            found[name] = "inherited"
        elif one.right.startswith(_DOES_NOT_KNOW):
            found[name] = "not known"
        elif one.right.split() == one.ask.question.split():
            found[name] = "given back"
        elif _other_value(one):
            found[name] = "other value"
    return found


def _goes_on(parent: Answered | None) -> bool:
    """Whether a row uses what an ask gave: a text or a program. A wrong attempt does not count: it is
    corrected.
    """
    return parent is not None and (parent.ask.form == "text" or parent.ask.tool is not None)


def _other_value(one: Answered) -> bool:
    if one.ask.form == "text" or one.ask.expected is None or "```python" in one.right:
        return False
    boxed = last_boxed(one.right)
    return boxed is None or not is_same(one.ask.expected, boxed)


def wrong_rows(run: Run) -> list[str]:
    """The ids of kept rows whose answer is not that of their question, or whose question is not read."""
    operators = {row["problem_id"]: row["operator"] for row in run.found.lineage.iter_rows(named=True)}
    recipes = {row["problem_id"]: row["recipe"] for row in run.found.lineage.iter_rows(named=True)}
    return [
        row["problem_id"]
        for row in run.found.problems.iter_rows(named=True)
        if not _is_right(row, recipes[row["problem_id"]], operators[row["problem_id"]])
    ]


def _is_right(row: Mapping[str, Any], recipe: str, operator: str) -> bool:
    question, answer = row["problem"], row["answer"]
    if recipe == "rvsyn":
        told = _told(question)
        return told is not None and is_same(latex(told), answer)
    if operator in BACKWARD:
        backward = read_backward(question)
        return backward is not None and [str(value) for value in backward.fitting] == [answer]
    reading = read_words(question)
    return reading is not None and reading.answer is not None and is_same(latex(reading.answer), answer)


def rows_with_errors(run: Run) -> list[str]:
    """The ids of kept rows in whose solution, or in a program before it, an error was planted."""
    return [
        row["problem_id"]
        for row in run.found.lineage.iter_rows(named=True)
        if any(
            _erred(run.answered.get(name)) for name in (row["problem_id"], *_begun(row["parent_ids"], run))
        )
    ]


def _begun(parents: Iterable[str], run: Run) -> list[str]:
    return [name for name in parents if name in run.answered and run.answered[name].ask.tool is not None]


def _erred(one: Answered | None) -> bool:
    return one is not None and one.erred.kind is not None
