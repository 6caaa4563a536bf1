"""Scalars: an expression, separated from its unit, currency, degree or percent sign."""

import re
from fractions import Fraction

from jz3.answers.expressions import parse
from jz3.answers.forms import Scalar
from jz3.answers.number_words import in_figures
from jz3.answers.tokens import UnreadableError
from jz3.answers.tree import Node, Number, Product
from jz3.answers.units import PERCENT, SCALES, SPELT, canonical_unit, changes_number, is_known_unit

_CURRENCY = re.compile(
    r"([-+]?)\s*(?:US|U\.S\.|HK|NZ|CA|AU|A|C|S)?(\\\$|\$|[€£¥₹₩₽]|(?:USD|EUR|GBP|JPY|CNY|RMB|INR"
    r"|Rs\.?)(?![A-Za-z]))\s*"
)
_CURRENCY_END = re.compile(r"(\\\$|[€£¥₹₩₽¢])$")
_DEGREE_END = re.compile(
    r"(?:\^\s*(?:\\circ|\{\s*\\circ\s*\})|(?<=\d)\^\s*\{?\s*(?:\\text\{\s*o\s*\}|o)\s*\}?)\s*(?:(?:\\text\{)?\s*([CF])\s*\}?)?$"
)
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
_PRODUCT = re.compile(
    r"([-+]?[\d.]+)\s+((?!(?:[A-Za-z](?![A-Za-z]))?+[^A-Za-z]*\Z)"
    r"(?:[A-Za-z]++(?:\s*\^\s*\{?\s*-?\d\s*\}?)?\s*){1,4})"
)  # `9.8 m s^{-2}`
_MICRO = re.compile(r"(?<=[\d.)}])\s*\\mu\s*(?:\\text\{)?\s*([A-Za-z]{1,3})\}?$")
_PRICE_OF_EACH = re.compile(r"([\d.,]+)\s*/\s*([A-Za-z]{2,})")  # `\$5/hour`
_RATE = re.compile(r"([-+]?[\d.]+)\s+([A-Za-z]+\s*/\s*[A-Za-z]+(?:\s*\^\s*\{?\s*\d\s*\}?)?)")  # `9.8 m/s^2`
_AFTER_SYMBOL = re.compile(
    r"(.*(?:\}|\\pi(?:\s*/\s*\d+)?|\\sqrt\s?\d+|10\s?\^\s?-?\d+))"
    r"\s+([A-Za-z]{2,})((?:\s*\^\s*\{?\s*\d\s*\}?)?)",
    re.DOTALL,
)  # `2\sqrt{3} cm`, `\pi/4 radians`, `3*10^8 m`
_PLAIN_HEAD = re.compile(
    r"[-+]?\s*[\d.,\s/{}()]*(?:(?<=\d)[eE][-+]?\d+)?(?:\\frac\s*\{[-\d\s]*\}\s*\{[\d\s]*\})?[\d}]?\s*\)?"
)
_POWER_IN_WORDS = re.compile(r"([-+]?[\d.]+) (squared|cubed)")
_FACTORIAL_IN_WORDS = re.compile(r"(\d+) factorial")
_CHOSEN_IN_WORDS = re.compile(r"(\d+) choose (\d+)")
_OTHER_SCRIPT = re.compile(
    r"([-+]?\d[\d.,]*)\s*(?:\\text\{\s*)?"
    r"((?!тыс|млн|милл|млрд)(?:(?![十百千万亿萬億兆백천만억조半分割成折以至到多不和与或이])"
    r"[\u0400-\u04ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]){1,12})\s*\}?"
)  # `12个`, `12 яблок`; `12万` and `12以上` are other numbers
_DIGIT_POWER = re.compile(r"(?<=[a-zA-Z])[23]$")
_OHMS = re.compile(r"(?<=[\d.)}])\s*(k|M|m)?\s*\\Omega$")
_PART = re.compile(
    r"\s*(?:,|and|&)?\s*(?:\\?\$)?\s*([\d.]+)\s*(?:\\text\{\s*)?([A-Za-z]+|\^\s*\\circ|''|')\.?\s*\}?"
)
_DOLLARS_AND = re.compile(r"\A\\?\$\s*(\d+)\s+and\s+(?=\d+\s*(?:\\text\{\s*)?(?:cents?|¢))")
_FAMILIES = (
    {"dollar": 1, "cent": Fraction(1, 100)},
    {"day": 1, "hour": Fraction(1, 24), "minute": Fraction(1, 1440), "s": Fraction(1, 86400)},
    {"week": 1, "day": Fraction(1, 7)},
    {"year": 1, "month": Fraction(1, 12)},
    {"yard": 1, "foot": Fraction(1, 3), "inch": Fraction(1, 36)},
    {"pound": 1, "ounce": Fraction(1, 16)},
    {"km": 1, "m": Fraction(1, 1000)},
    {"m": 1, "cm": Fraction(1, 100), "mm": Fraction(1, 1000)},
    {"kg": 1, "g": Fraction(1, 1000)},
    {"degree": 1, "'": Fraction(1, 60), "''": Fraction(1, 3600)},
)
"""Units that are written together, as parts of the first."""


def of_several_units(text: str) -> Scalar | None:
    """`2 hours and 30 minutes` as 2.5 hours: the value in the first unit."""
    if "and" in text and text[:1].isalpha():
        text = in_figures(text)
    if not text[:1].isdigit() and text[:1] not in "\\$":
        return None
    text = _DOLLARS_AND.sub(r"\1 dollars and ", text)
    parts: list[tuple[Fraction, str]] = []
    position = 0
    while position < len(text) and len(parts) < MAX_PARTS:
        match = _PART.match(text, position)
        if match is None or match[1].count(".") > 1 or match[1] == ".":
            return None
        unit = "degree" if match[2][0] == "^" else match[2]
        parts.append((Fraction(match[1]), unit if unit[0] == "'" else canonical_unit(unit)))
        position = match.end()
    if len(parts) < 2:
        return None
    first = parts[0][1]
    for family in _FAMILIES:
        if all(unit in family for _, unit in parts) and len({unit for _, unit in parts}) == len(parts):
            total = sum((value * family[unit] for value, unit in parts), Fraction(0)) / family[first]
            return Scalar(text, Number(total, decimal=False), first, percent=False)
    return None


MAX_PARTS = 4  # chosen: days, hours, minutes and seconds
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
    text = _POWER_IN_WORDS.sub(lambda found: f"({found[1]})^{2 if found[2] == 'squared' else 3}", text)
    text = _FACTORIAL_IN_WORDS.sub(r"\1!", text)
    text = _CHOSEN_IN_WORDS.sub(r"\\binom{\1}{\2}", text)
    text, unit, percent = _without_unit(text)
    factor = Fraction(1)
    words = unit.split()
    while words and words[0] in SCALES:
        factor *= SCALES[words.pop(0)]
    try:
        node: Node | None = parse(text)
    except UnreadableError:
        node = None
    if factor != 1 and node is not None:
        scale = Number(factor, decimal=False)
        if isinstance(node, Number):
            node = Number(node.value * factor, node.decimal)
        else:
            node = Product((scale, node))
    return Scalar(text, node, " ".join(words), percent)


def is_money(text: str) -> bool:
    """Whether a text begins with a currency followed by a number: `USD 5`, `US$5`."""
    found = _CURRENCY.match(text) if text[:1].isupper() else None
    return found is not None and text[found.end() : found.end() + 1].isdigit()


def _without_unit(text: str) -> tuple[str, str, bool]:
    """The text without its currency, percent sign, degree sign or unit; and that unit."""
    currency = _CURRENCY.match(text)
    if currency is not None and currency[2]:
        rest = _PRICE_OF_EACH.sub(r"\1 per \2", text[currency.end() :])
        head, unit, percent = _without_unit_at_end(currency[1] + rest)
        mark = "$" if currency[2].endswith("$") else currency[2]
        multiplier = [word for word in unit.split() if word in SCALES]
        return head, " ".join([*multiplier, canonical_unit(mark)]), percent
    return _without_unit_at_end(text)


def _without_unit_at_end(text: str) -> tuple[str, str, bool]:
    if text.endswith("%"):
        return text[:-1].rstrip(), "", True
    ohms = _OHMS.search(text)
    if ohms is not None:
        return text[: ohms.start()], (ohms[1] or "") + "ohm", False
    if not text.isascii() and (counted := _OTHER_SCRIPT.fullmatch(text)) is not None:
        return _named(counted[1], counted[2])
    currency = _CURRENCY_END.search(text)
    if currency is not None:
        return text[: currency.start()].rstrip(), canonical_unit(currency[1].lstrip("\\")), False
    degree = _DEGREE_END.search(text)
    if degree is not None and not re.search(r"\\(?:sin|cos|tan|cot|sec|csc)", text):
        scale = {"C": "celsius", "F": "fahrenheit"}.get(degree[1] or "", "degree")
        return text[: degree.start()].rstrip(), scale, False
    if "\\text{" in text:
        found = _UNIT_TEXT_END.search(text)
        if found is not None and found.start() > 0 and _names_unit(unworded(found[1])):
            return _named(text[: found.start()].rstrip(), unworded(found[1]))
    counted = _COUNTED.fullmatch(text)
    if counted is not None:
        return _named(counted[1].rstrip(), counted[2])
    micro = _MICRO.search(text)
    if micro is not None:
        return text[: micro.start()], "micro" + micro[1].lower(), False
    rate = _RATE.fullmatch(text) or _PRODUCT.fullmatch(text)
    if rate is not None and all(word.lower() in SPELT for word in re.findall(r"[A-Za-z]+", rate[2])):
        return rate[1].rstrip(), canonical_unit(rate[2]), False
    power = _DIGIT_POWER.search(text)
    if power is not None and is_known_unit(re.split(r"[^A-Za-z]", text[: power.start()])[-1]):
        text = f"{text[: power.start()]}^{power[0]}"
    if text and (text[-1].isalnum() or text[-1] in "}."):
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
    if (is_known_unit(words[0]) or len(words[0]) > 2) and not changes_number(words):
        return _named(text[: found.start()].rstrip(), found[1])
    return text, "", False


def _names_unit(text: str) -> bool:
    words = re.findall(r"[A-Za-z]+", text)
    return not words or (words != ["i"] and not changes_number(words))


def _named(head: str, unit: str) -> tuple[str, str, bool]:
    if unit.strip(" .").lower() in PERCENT:
        return head, "", True
    return head, canonical_unit(unit), False
