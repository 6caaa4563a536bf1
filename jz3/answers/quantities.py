"""Scalars: an expression with its unit, currency, degree or percent sign taken off."""

import re
from fractions import Fraction

from jz3.answers.expressions import parse
from jz3.answers.forms import Scalar
from jz3.answers.tokens import UnreadableError
from jz3.answers.tree import Node, Number, Product
from jz3.answers.units import MULTIPLIERS, SPELT, canonical_unit, is_known_unit

_CURRENCY = re.compile(r"([-+]?)\s*(\\\$|\$|€|£)\s*")
_CURRENCY_END = re.compile(r"(\\\$|€|£)$")
_DEGREE_END = re.compile(r"\^\s*(?:\\circ|\{\s*\\circ\s*\})\s*(?:(?:\\text\{)?\s*([CF])\s*\}?)?$")
_UNIT_POWER = r"(?:\s*\^\s*(?:\{\s*-?\d+\s*\}|-?\d))?"
_UNIT_TEXT_END = re.compile(
    r"((?:\s*(?:[*/]|\\text\{[^{}]*\}"
    + _UNIT_POWER
    + r"))*\s*\\text\{[^{}]*\}"
    + _UNIT_POWER
    + r"(?:\s*/\s*[a-z]{1,3})?)$"
)
_UNIT_PLAIN_END = re.compile(
    r"\s*([A-Za-z][A-Za-z.]*(?:[ /-]+[A-Za-z][A-Za-z.]*)*(?:\^\s*\{?\d\}?)?"
    r"(?:/[A-Za-z]+(?:\^\s*\{?\d\}?)?)?)$"
)
_COUNTED = re.compile(r"([-+]?[\d.,/]+\s*)\(([A-Za-z][a-z]{2,}(?: [a-z]+)*)\)")  # `9 (apples)`
_RATE = re.compile(r"([-+]?[\d.]+)\s+([A-Za-z]+\s*/\s*[A-Za-z]+(?:\s*\^\s*\{?\s*\d\s*\}?)?)")  # `9.8 m/s^2`
_AFTER_SYMBOL = re.compile(
    r"(.*(?:\}|\\pi))\s+([A-Za-z]{2,})((?:\s*\^\s*\{?\s*\d\s*\}?)?)", re.DOTALL
)  # `2\sqrt{3} cm`
_PLAIN_HEAD = re.compile(r"[-+]?\s*[\d.,\s/{}()]*(?:\\frac\s*\{[-\d\s]*\}\s*\{[\d\s]*\})?[\d}]?\s*\)?")
_APPROXIMATELY = re.compile(
    r"(?i)(?:about|approximately|approx\.?|around|roughly|exactly|only|=)\s+(?=[-\d.\\$])"
)
MATH_WORDS = frozenset(
    [
        "sqrt",
        "pi",
        "infinity",
        "infty",
        "theta",
        "alpha",
        "beta",
        "sin",
        "cos",
        "tan",
        "cot",
        "sec",
        "csc",
        "log",
        "ln",
        "exp",
        "arcsin",
        "arccos",
        "arctan",
    ]
)
_TEXT_PART = re.compile(r"\\text\{([^{}]*)\}")


def unworded(text: str) -> str:
    return _TEXT_PART.sub(r" \1 ", text).strip() if "\\text" in text else text


def scalar(text: str) -> Scalar:
    """The expression of a text and its unit."""
    text = _APPROXIMATELY.sub("", text)
    text, unit, percent = _without_unit(text)
    factor = 1
    words = unit.split()
    while words and words[0] in MULTIPLIERS:
        factor *= MULTIPLIERS[words.pop(0)]
    try:
        node: Node | None = parse(text)
    except UnreadableError:
        node = None
    if factor != 1 and node is not None:
        scale = Number(Fraction(factor), decimal=False)
        if isinstance(node, Number):
            node = Number(node.value * factor, node.decimal)
        else:
            node = Product((scale, node))
    return Scalar(text, node, " ".join(words), percent)


def _without_unit(text: str) -> tuple[str, str, bool]:
    """The text without its currency, percent sign, degree sign or unit, and that unit."""
    currency = _CURRENCY.match(text)
    if currency is not None and currency[2]:
        head, unit, percent = _without_unit_at_end(currency[1] + text[currency.end() :])
        mark = "$" if currency[2].endswith("$") else currency[2]
        multiplier = [word for word in unit.split() if word in MULTIPLIERS]
        return head, " ".join([*multiplier, canonical_unit(mark)]), percent
    return _without_unit_at_end(text)


def _without_unit_at_end(text: str) -> tuple[str, str, bool]:
    if text.endswith("%"):
        return text[:-1].rstrip(), "", True
    currency = _CURRENCY_END.search(text)
    if currency is not None:
        return text[: currency.start()].rstrip(), canonical_unit(currency[1].lstrip("\\")), False
    degree = _DEGREE_END.search(text)
    if degree is not None and not re.search(r"\\(?:sin|cos|tan|cot|sec|csc)", text):
        scale = {"C": "celsius", "F": "fahrenheit"}.get(degree[1] or "", "degree")
        return text[: degree.start()].rstrip(), scale, False
    if "\\text{" in text:
        found = _UNIT_TEXT_END.search(text)
        if found is not None and found.start() > 0:
            return _named(text[: found.start()].rstrip(), unworded(found[1]))
    counted = _COUNTED.fullmatch(text)
    if counted is not None:
        return _named(counted[1].rstrip(), counted[2])
    rate = _RATE.fullmatch(text)
    if rate is not None and all(word.lower() in SPELT for word in re.findall(r"[A-Za-z]+", rate[2])):
        return rate[1].rstrip(), canonical_unit(rate[2]), False
    if text[-1:].isalnum() or text[-1:] in "}.":
        return _without_plain_unit(text)
    return text, "", False


def _without_plain_unit(text: str) -> tuple[str, str, bool]:
    measured = _AFTER_SYMBOL.fullmatch(text)
    if measured is not None and is_known_unit(measured[2]):
        return _named(measured[1].rstrip(), measured[2] + measured[3])
    if "\\" in text.replace("\\frac", "") or (not text[0].isdigit() and text[0] not in "-+.\\("):
        return text, "", False
    found = _UNIT_PLAIN_END.search(text)
    if (
        found is None
        or not _PLAIN_HEAD.fullmatch(text[: found.start()])
        or not any(character.isdigit() for character in text[: found.start()])
    ):
        return text, "", False
    words = re.findall(r"[A-Za-z]+", found[1])
    if words[0] in MATH_WORDS or any(word in MATH_WORDS for word in words):
        return text, "", False
    if all(is_known_unit(word) or len(word) > 2 for word in words[:1]):
        return _named(text[: found.start()].rstrip(), found[1])
    return text, "", False


def _named(head: str, unit: str) -> tuple[str, str, bool]:
    if unit.strip().lower() in ("percent", "per cent", "%"):
        return head, "", True
    return head, canonical_unit(unit), False
