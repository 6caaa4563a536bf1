r"""Errors in questions on a document, and in lists of concepts and skills.

Each function returns the text with an error, or None if it has nothing to put it in.
"""

import re
from collections.abc import Callable

from jz3.writer.draws import Draws
from jz3.writer.erring import texts

Spoil = Callable[[str, Draws], str | None]
_QUESTION = re.compile(
    r"^(\[Question \d+\]\n(?:\w+: .*\n)+)(.+?)(?=\n\n\[Question |\Z)", re.DOTALL | re.MULTILINE
)
_CONCEPTS = re.compile(r"^Concepts: (.*)$", re.MULTILINE)
_TOPIC_OR_CONCEPT = {
    "topics": re.compile(r"^Topic: .*\n?", re.MULTILINE),
    "concepts": re.compile(r"^- .*\n?", re.MULTILINE),
}
UNNAMED = (
    "The problem can be solved step by step with the usual methods that are taught at school.",
    "Read the problem with care and write down what is given before you begin to work it out.",
)
"""Sentences instead of a list."""


def in_one_question(spoil: Spoil) -> Spoil:
    """Put an error into the text of one of the questions."""

    def spoilt(text: str, draws: Draws) -> str | None:
        found = list(_QUESTION.finditer(text))
        if not found:
            return None
        one = found[draws.whole("question", 0, len(found) - 1)]
        changed = spoil(one[2], draws)
        return None if not changed else f"{text[: one.start(2)]}{changed}{text[one.end(2) :]}"

    return spoilt


def question_lost(question: str, draws: Draws) -> str:
    """Ask nothing any more; nothing is left of a question that only says what to find."""
    told = texts.without_question(question, draws)
    return told if told and told != question else "The values are as before."


def document_named(question: str, _: Draws) -> str:
    """Refer to a text that the solver does not see."""
    return f"Take the numbers as in the passage. {question}"


def solution_beside(question: str, draws: Draws) -> str:
    """Add a note, or a solution."""
    return draws.choice(
        "beside",
        (texts.with_remark(question, draws), f"{question}\n\nSolution:\nWork from the left to the right."),
    )


def one_concept(text: str, draws: Draws) -> str | None:
    """A question that combines no concepts, because it names only one."""
    found = list(_CONCEPTS.finditer(text))
    if not found:
        return None
    one = found[draws.whole("concepts", 0, len(found) - 1)]
    return f"{text[: one.start(1)]}{one[1].partition(';')[0]}{text[one.end(1) :]}"


def same_concepts(text: str, _: Draws) -> str | None:
    """Let the last question combine the same concepts as the first."""
    found = list(_CONCEPTS.finditer(text))
    if len(found) < 2:
        return None
    return f"{text[: found[-1].start(1)]}{found[0][1]}{text[found[-1].end(1) :]}"


def without(part: str) -> Spoil:
    """Remove the `topics`, or the `concepts`, from a list of concepts."""
    return lambda text, _: _TOPIC_OR_CONCEPT[part].sub("", text).rstrip()


def unnamed(_: str, draws: Draws) -> str:
    """Words instead of skills."""
    return draws.choice("unnamed", UNNAMED)
