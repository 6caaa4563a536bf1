"""Numbers written in words: `twenty-five`, `five apples`, `first`."""

import re
from fractions import Fraction

from jz3.answers.forms import Scalar
from jz3.answers.tree import Number, negative
from jz3.answers.units import MULTIPLIERS, PERCENT, SCALES, canonical_unit, changes_number

UP_TO_NINETEEN = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ORDINALS = [
    "zeroth",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
]
_NUMBER_WORDS = {word: value for value, word in enumerate(UP_TO_NINETEEN)} | {
    word: 10 * value for value, word in enumerate(TENS, 2)
}
_PARTS = {"half": 2, "halve": 2, "quarter": 4} | {
    word: value for value, word in enumerate(_ORDINALS) if value > 2
}


def number_in_words(text: str) -> Scalar | None:
    """The number in `twenty-five`, `five apples` or `first`."""
    words = text.lower().replace("-", " ").split()
    if not words:
        return None
    if words[0] in ("negative", "minus") and len(words) > 1:
        positive = number_in_words(" ".join(words[1:]))
        return None if positive is None else _negated(positive)
    if words[0] == "half" and words[1:2] in ([], ["a"], ["an"]):
        words = ["one", "half", *words[2:]]
    if words[0] in ("a", "an") and len(words) > 1 and (words[1] in _PARTS or words[1] in SCALES):
        words[0] = "one"
    if len(words) == 1 and words[0] in _ORDINALS and words[0] != "second":
        return whole_number(_ORDINALS.index(words[0]), "ordinal")
    taken, value = _value_of(words)
    rest = words[taken:]
    if not taken:
        return None
    number = Fraction(value)
    if rest[:1] == ["point"]:
        return _with_decimals(text, value, rest[1:])
    if rest[:1] == ["and"] and len(rest) > 2:
        part = number_in_words(" ".join(rest[1:3]))
        if part is not None and isinstance(part.node, Number) and 0 < part.node.value < 1 and not part.unit:
            number, rest = value + part.node.value, rest[3:]
            return Scalar(text, Number(number, decimal=False), canonical_unit(" ".join(rest)), percent=False)
    if "and" in rest:
        return None
    if rest and rest[0].removesuffix("s") in _PARTS and taken == 1:
        part = Fraction(value, _PARTS[rest[0].removesuffix("s")])
        return Scalar(text, Number(part, decimal=False), canonical_unit(" ".join(rest[1:])), percent=False)
    if rest and (rest[0] in _NUMBER_WORDS or changes_number(rest)):
        return None
    if " ".join(rest) in PERCENT:
        return Scalar(text, Number(number, decimal=False), "", percent=True)
    if rest and rest[0].removesuffix("s") in SCALES:
        scaled = number * SCALES[rest[0].removesuffix("s")]
        return Scalar(text, Number(scaled, decimal=False), canonical_unit(" ".join(rest[1:])), percent=False)
    return whole_number(value, canonical_unit(" ".join(rest)))


def in_figures(text: str) -> str:
    """`five dollars and ten cents` with each number in figures; other texts unchanged."""
    parts = [number_in_words(part.strip()) for part in _AND.split(text)]
    if len(parts) > MAX_NUMBERS:
        return text
    figures = [
        f"{part.node.value} {part.unit}"
        for part in parts
        if part is not None and isinstance(part.node, Number) and part.unit
    ]
    return " and ".join(figures) if len(figures) == len(parts) > 1 else text


MAX_NUMBERS = 4  # chosen: days, hours, minutes and seconds
_AND = re.compile(r",?\s+and\s+|,\s+")


def _negated(positive: Scalar) -> Scalar | None:
    if positive.node is None or positive.unit == "ordinal":
        return None
    return Scalar(f"-({positive.text})", negative(positive.node), positive.unit, positive.percent)


def _with_decimals(text: str, whole: int, words: list[str]) -> Scalar | None:
    """The value of `two point five`: digits one by one."""
    digits = [_NUMBER_WORDS.get(word, 10) for word in words]
    if not digits or max(digits) > 9:
        return None
    value = whole + Fraction(int("".join(map(str, digits))), 10 ** len(digits))
    return Scalar(text, Number(value, decimal=True), "", percent=False)


def _value_of(words: list[str]) -> tuple[int, int]:
    """How many of the words make up a number, and that number: `one hundred and five apples` gives 4 and
    105.
    """
    total = current = taken = 0
    last = 10**18  # the place value of the word before: below a hundred, words decrease
    for place, word in enumerate(words):
        value = _NUMBER_WORDS.get(word)
        if value is not None:
            size = 10 if value >= 20 else 1
            if size >= last or (last == 10 and value >= 10):
                break
            current, last, taken = current + value, size, place + 1
        elif word in MULTIPLIERS and taken == place and place:
            if word == "hundred":
                current, last = current * 100, 100
            else:
                total, current, last = total + current * MULTIPLIERS[word], 0, 10**18
            taken = place + 1
        elif word == "and" and taken == place and words[place - 1] in MULTIPLIERS and place + 1 < len(words):
            if words[place + 1] not in _NUMBER_WORDS:
                break
            taken = place + 1
        else:
            break
    return taken, total + current


def whole_number(value: int, unit: str) -> Scalar:
    return Scalar(str(value), Number(Fraction(value), decimal=False), unit, percent=False)
