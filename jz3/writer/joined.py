"""Questions that no single family words: one asked backward, and two joined.

Backward: a number is masked by a letter, the answer is given, and the number is asked for, in the form that
`jz3/writer/tasks/unknown.py` reads; only if no other value of the number's range gives the same answer.
Joined: the answer of one family's question is a number of another's question, which has a letter in its
place.

Costs some 0.2 ms per question.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from string import Formatter

from jz3.writer.catalogue import Reading
from jz3.writer.draws import Draws
from jz3.writer.family import Exact, Family, Values, Whole, latex
from jz3.writer.other_values import other_values
from jz3.writer.tasks.declare import declared
from jz3.writer.tasks.unknown import SENTENCE

LETTERS = ("x", "y", "z", "k", "n")
"""The first one that is free is used, as in MetaMath's maskings."""
BESIDE_A_FORMULA = r"\s*[-+*/^=<>%(){}\[\]\\$|]"
"""Signs next to a number that show that it is part of a formula: a letter there would be an exponent, or a
second unknown.
"""


@dataclass(frozen=True)
class Asked:
    """A question and its answer."""

    question: str
    gold: str


def backward(family: Family, values: Values, key: str) -> Asked | None:
    """The question of drawn values, asked backward; the key draws the wording and the number. None if no
    number can be masked, or if no number is the only one with this answer.
    """
    draws = Draws(key)
    wording = draws.choice("wording", family.wordings)
    reading = _reading(family, values)
    told = latex(_answer(reading))
    for field in sorted(maskable(family, wording), key=lambda field: draws.bits(f"masked/{field}")):
        label = str(values.drawn[field])
        fit = other_values(reading, field)
        text = _with_letter(wording, values, field)
        if label == told or fit.others or not fit.differing or text is None:
            continue
        masked, letter = text
        *before, last = SENTENCE.split(masked)
        shown = f"${told}$" if "\\" in told else told
        said = " ".join([*before, declared(last, shown)])
        return Asked(f"{said} What is the value of {letter}?", label)
    return None


def joined(first: Asked, family: Family, values: Values, field: str, key: str) -> Asked | None:
    """The first question, then that of drawn values with a letter for a field that already equals the first
    answer. None if no letter is free, or if the number does not matter.
    """
    wording = Draws(key).choice("wording", family.wordings)
    text = _with_letter(wording, values, field, beside=first.question)
    reading = _reading(family, values)
    if field not in maskable(family, wording) or text is None or other_values(reading, field).irrelevant:
        return None
    masked, letter = text
    return Asked(f"{first.question} Call the answer {letter}. {masked}", latex(_answer(reading)))


def maskable(family: Family, wording: str) -> list[str]:
    """The whole numbers that a wording shows once, and not within a formula."""
    literals, names = _parts(wording)
    return [
        name
        for name, (before, after) in zip(names, pairwise(literals), strict=True)
        if isinstance(family.fields[name], Whole)
        and names.count(name) == 1
        and re.search(r"(?:^|[\s,])$", before)
        and re.match(r"[\s.,?]|$", after)
        and not re.search(rf"(?:{BESIDE_A_FORMULA})\s*$", before)
        and not re.match(BESIDE_A_FORMULA, after)
    ]


def whole_answer(family: Family, values: Values) -> int | None:
    """The answer, if it is a whole number that a text can use further."""
    answer = family.solve(values)["answer"]
    whole = Fraction(answer) if isinstance(answer, int | Fraction) else None
    return int(whole) if whole is not None and whole.denominator == 1 and whole > 1 else None


def by_answer(
    drawn: Mapping[str, Sequence[Values]], families: Sequence[Family]
) -> dict[int, list[tuple[Family, Values]]]:
    """Draws of each family by their answers, if a text can use these further."""
    found: dict[int, list[tuple[Family, Values]]] = {}
    for family in families:
        for values in drawn[family.name]:
            answer = whole_answer(family, values)
            if answer is not None:
                found.setdefault(answer, []).append((family, values))
    return found


def _parts(wording: str) -> tuple[list[str], list[str]]:
    """The texts around the fields of a wording, one more than there are fields, and the fields."""
    literals, names = [""], list[str]()
    for literal, name, _, _ in Formatter().parse(wording):
        literals[-1] += literal
        if name is not None:
            names.append(name)
            literals.append("")
    return literals, names


def _reading(family: Family, values: Values) -> Reading:
    return Reading(family, values, family.solve(values)["answer"])


def _answer(reading: Reading) -> Exact:
    assert reading.answer is not None, "drawn values have an answer"
    return reading.answer


def _with_letter(wording: str, values: Values, field: str, beside: str = "") -> tuple[str, str] | None:
    """The question with a letter in place of a field, and the letter; None if none is free."""
    plain = wording.format(**values.drawn)
    alone = set(re.findall(r"(?<![A-Za-z])[A-Za-z](?![A-Za-z])", f"{beside} {plain}"))
    letter = next((letter for letter in LETTERS if letter not in alone), None)
    return None if letter is None else (wording.format(**{**values.drawn, field: letter}), letter)
