r"""`Task: unknown`: the number that a letter stands for, in a question of a family whose answer is told.

    Task: unknown
    ...
    ### Problem
    (a question with a letter for a number; its answer, behind it or in a statement; what is asked)

    ### Solution

The question is read with the letter in the place of one field, as its sentences tell it or with the last
one as `declare.py` beside this states it. The family's values are tried over the range of the field. Where
its program is plain arithmetic, the solution solves the equation for the letter; else it shows which values
were tried. Of several values that fit, the key of the request draws one. What is not read, or fits no
value, gets no box.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from string import Formatter

from jz3.writer.catalogue import FAMILIES, read
from jz3.writer.draws import Draws
from jz3.writer.family import Exact, Family, Values, Whole, latex, plain
from jz3.writer.refusal import Refused
from jz3.writer.tasks.declare import declared
from jz3.writer.tasks.equation import equation_steps
from jz3.writer.tasks.manner import UNKNOWN, told

DATA = re.compile(r"^### Problem\n(.*)\n### Solution\s*\Z", re.MULTILINE | re.DOTALL)
TOLD = re.compile(
    r"(?P<text>.*) Suppose the answer to this question is (?P<gold>.+)\. "
    r"Which number does (?P<letter>[a-z]) stand for\?",
    re.DOTALL,
)
STATED = re.compile(r"(?P<text>.*) What is the value of (?P<letter>[a-z])\?", re.DOTALL)
LETTER = 987_654_321
"""Stands for the letter while a question is read; no family draws it."""
SENTENCE = re.compile(r"(?<=[.?]) (?=[A-Z{])")
_ANSWER = "ANSWER"


@dataclass(frozen=True)
class Backward:
    """A question with its answer given and one field unknown."""

    family: Family
    values: Values
    field: str
    gold: str
    letter: str

    def answer(self, value: int) -> Exact | None:
        """The answer of the question with a value in the field; None if it has none."""
        try:
            return self.family.solve(self.with_value(value))["answer"]
        except (ZeroDivisionError, ValueError, OverflowError):
            return None

    def with_value(self, value: int) -> Values:
        return Values({**self.values.drawn, self.field: value})

    def fits(self, value: int) -> bool:
        found = self.answer(value)
        return found is not None and self.gold in (latex(found), plain(found))

    @property
    def fitting(self) -> list[int]:
        """The values in the field's range that give the given answer."""
        whole = self.family.fields[self.field]
        assert isinstance(whole, Whole), "a number was read in the place of a word"
        return [value for value in range(whole.low, whole.high + 1) if self.fits(value)]


def unknown(prompt: str, key: str) -> str:
    """The answer to a prompt of this task. Raises Refused for one without its headings."""
    asked = DATA.search(prompt)
    if asked is None:
        raise Refused(
            400,
            "unreadable_prompt",
            "a prompt of the task 'unknown' has '### Problem' and ends '### Solution'",
        )
    return solution_of(asked[1].strip(), key)


def solution_of(question: str, key: str) -> str:
    """A solution with its box; UNKNOWN for what cannot be read or fits no value."""
    asked = read_backward(question)
    fitting = [] if asked is None else asked.fitting
    if asked is None or not fitting:
        return UNKNOWN
    value = Draws(key).choice("value", tuple(fitting))
    steps = equation_steps(asked.family, asked.values, asked.field, asked.letter, asked.gold, value)
    return told(steps or _trials(asked, value), str(value), key)


def read_backward(question: str) -> Backward | None:
    """What is asked; None for any other text."""
    text = " ".join(question.split())
    if found := TOLD.fullmatch(text):
        reading = read(_with_number(found["text"], found["letter"]))
        if reading is not None:
            return _backward(reading.family, dict(reading.values.drawn), found["gold"], found["letter"])
    elif found := STATED.fullmatch(text):
        body = _with_number(found["text"], found["letter"])
        for family in FAMILIES:
            for pattern in _stated(family.name):
                if stated := pattern.fullmatch(body):
                    drawn = {
                        name: int(value) if isinstance(family.fields[name], Whole) else value
                        for name, value in stated.groupdict().items()
                        if name != _ANSWER
                    }
                    return _backward(family, drawn, stated[_ANSWER], found["letter"])
    return None


def _backward(family: Family, drawn: dict[str, int | str], gold: str, letter: str) -> Backward | None:
    fields = [name for name, value in drawn.items() if value == LETTER]
    if len(fields) != 1:
        return None
    return Backward(family, Values(drawn), fields[0], gold.strip("$"), letter)


def _with_number(text: str, letter: str) -> str:
    return re.sub(rf"(?<![A-Za-z]){letter}(?![A-Za-z])", str(LETTER), text)


@cache
def _stated(name: str) -> tuple[re.Pattern[str], ...]:
    """The wordings of a family with the last sentence as a statement, in which the answer is a group."""
    family = next(one for one in FAMILIES if one.name == name)
    return tuple(_pattern(family, wording) for wording in family.wordings)


def _pattern(family: Family, wording: str) -> re.Pattern[str]:
    *before, last = SENTENCE.split(wording)
    parts: list[str] = []
    seen: set[str] = set()
    for literal, name, _, _ in Formatter().parse(" ".join([*before, declared(last, f"{{{_ANSWER}}}")])):
        parts.append(re.escape(literal))
        if name is None:
            continue
        pattern = r"\S+?" if name == _ANSWER else family.fields[name].pattern
        parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>{pattern})")
        seen.add(name)
    return re.compile("".join(parts))


def _trials(asked: Backward, value: int) -> list[str]:
    """Show that a value fits and that two others do not."""
    return [f"We put numbers in the place of {asked.letter} and compute the answer.", *_tried(asked, value)]


def _tried(asked: Backward, value: int) -> Iterator[str]:
    for other in (value - 1, value + 1):
        found = asked.answer(other) if other >= 0 else None
        if found is not None and not asked.fits(other):
            yield f"With {asked.letter} = {other} it is {latex(found)}, which is not {asked.gold}."
    yield f"With {asked.letter} = {value} it is {asked.gold}, as it should be."
