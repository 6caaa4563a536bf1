"""What an answer is: a number, an expression, a set, an interval, a relation, words and so on.

`read` gives every reading a text allows, the likely one first: `100,200` is a number or a list of two,
all else has one. Parts of a structure stay texts; they are read when they are compared.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from jz3.answers.expressions import Node, Number, Product, UnreadableError, parse
from jz3.answers.notation import clean, closes_at_end, split_top
from jz3.answers.units import MULTIPLIERS, canonical_unit, is_known_unit


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number or expression, perhaps with a unit. `node` is None where the grammar ends."""

    text: str
    node: Node | None
    unit: str
    percent: bool


@dataclass(frozen=True, slots=True)
class Words:
    text: str


@dataclass(frozen=True, slots=True)
class Choice:
    letter: str
    content: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """Ordered parts in brackets: a tuple, a point, an interval with its ends."""

    opening: str
    closing: str
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Collection:
    """Parts without an order: a bare list, a set in braces, two solutions of a plus-minus."""

    parts: tuple[str, ...]
    braces: bool


@dataclass(frozen=True, slots=True)
class Union:
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """`parts[0] operators[0] parts[1] ...`; operators are = != < <= > >= and in."""

    parts: tuple[str, ...]
    operators: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Ratio:
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day: hour, minute, second as written; `half` is am, pm or empty."""

    hour: int
    minute: int
    second: int
    half: str


@dataclass(frozen=True, slots=True)
class Numeral:
    """A numeral with its base written: 52_8."""

    digits: str
    base: int


Answer = Scalar | Words | Choice | Sequence | Collection | Union | Relation | Matrix | Ratio | Clock | Numeral

_REALS = Sequence("(", ")", ("-\\infty", "\\infty"))
_NAMED_SETS: dict[str, Answer] = {
    "\\mathbb{R}": _REALS,
    "\\mathbb R": _REALS,
    "\\text{all real numbers}": _REALS,
    "all real numbers": _REALS,
    "\\emptyset": Collection((), braces=True),
    "\\{\\}": Collection((), braces=True),
    "\\{ \\}": Collection((), braces=True),
}
_NUMBER = re.compile(r"[-+]?\s?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_THOUSANDS = re.compile(r"(?<![\d.,])(\d{1,3}(?:,\d{3})+)(?!\d|,\d)")
_SPACED_THOUSANDS = re.compile(r"(-?\s?\d{1,3})((?: \d{3})+)(\.\d+)?")
_SPACED_LIST = re.compile(r",\s")
_UNION = re.compile(r"\\cup(?![A-Za-z])")
_LIST = re.compile(r"[,;]|(?<![A-Za-z])(?:or|and)(?![A-Za-z])")
_COMMA = re.compile(r"[,;]")
_RELATION = re.compile(r"<=|>=|!=|=<|=>|==|=|<|>|\\in(?![A-Za-z])|\\not\s*=")
_COLON = re.compile(r":|(?<=\s)to(?=\s)")
_MATRIX = re.compile(
    r"\\begin\{([pbvBV]?matrix|smallmatrix|array)\}(?:\{[^{}]*\})?(.*)\\end\{\1\}", re.DOTALL
)
_ROW = re.compile(r"\\cr(?![A-Za-z])(?:\s*\[[^\]]*\])?")
_CHOICE = re.compile(r"\(?\s*([A-J])\s*\)?[.:]?")
_CHOICE_WITH_CONTENT = re.compile(r"\(\s*([A-J])\s*\)\s*(?!and\b|or\b)([^\s,].*)|([A-J])\s*[).:]\s*(\S.*)")
_CLOCK = re.compile(r"(\d{1,2})\s*:\s*(\d{2})(?:\s*:\s*(\d{2}))?\s*(?:([aApP])\.?\s?[mM]\.?)?")
_HOUR = re.compile(r"(\d{1,2})\s*([aApP])\.?\s?[mM]\.?")
_NUMERAL = re.compile(r"([0-9A-F][0-9A-F ]*)_\s*\{?\s*(\w+|\\text\{\w+\})\s*\}?")
_ORDINAL_PHRASE = re.compile(r"\d+(?:st|nd|rd|th)\s+[A-Za-z][A-Za-z .']*")
_BOUND = re.compile(r"(\\?[A-Za-z]+)\s*(<=|>=|<|>)\s*([^<>=]+)")
_NUMERAL_IN_WORDS = re.compile(
    r"([0-9A-F]+)\s*(?:\\text\{)?\s*\(?\s*(?:in )?base[ -]?\{?(\w+)\}?\s*\)?\s*\}?"
)
_ORDINAL = re.compile(r"(\d+)\s*\^?\s*\{?\s*(?:\\text\{)?\s*(?:st|nd|rd|th)\s*\}?\s*\}?")
_WORDS = re.compile(r"[A-Za-z\"][\w\s'\".,!?&-]*")
_TEXT_ONLY = re.compile(r"(?:\\text\{([^{}]*)\}|([\s.,]))+")
_TEXT_PART = re.compile(r"\\text\{([^{}]*)\}")
_APPROXIMATELY = re.compile(
    r"(?i)(?:about|approximately|approx\.?|around|roughly|exactly|only|=)\s+(?=[-\d.\\$])"
)
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
_PLAIN_HEAD = re.compile(r"[-+]?\s*[\d.,\s/{}()]*(?:\\frac\s*\{[-\d\s]*\}\s*\{[\d\s]*\})?[\d}]?\s*\)?")
_SHORT_WORDS = frozenset(
    [
        "yes",
        "no",
        "odd",
        "even",
        "all",
        "any",
        "ten",
        "one",
        "two",
        "six",
        "red",
        "sad",
        "up",
        "down",
        "in",
        "on",
        "or",
        "not",
        "sum",
    ]
)
_MATH_WORDS = frozenset(
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
_SMALL = [
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
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
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
_BASES = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_NUMBER_WORDS = {word: value for value, word in enumerate(_SMALL)} | {
    word: 10 * value for value, word in enumerate(_TENS, 2)
}


@lru_cache(maxsize=8192)
def read(text: str) -> tuple[Answer, ...]:
    """All readings of an answer (raw or cleaned), the likely one first."""
    return _read_clean(clean(text))


def _read_clean(text: str) -> tuple[Answer, ...]:
    number = _plain(text)
    if number is not None:
        return (number,)
    if "," in text and not _in_brackets(text):
        joined = _THOUSANDS.sub(lambda match: match[1].replace(",", ""), text)
        if joined != text:
            readings = (_one(joined),)
            return (*readings, _one(text)) if _NUMBER.fullmatch(joined) else readings
    elif "," in text and _SPACED_LIST.search(text):
        text = _THOUSANDS.sub(lambda match: match[1].replace(",", ""), text)
    spaced = _SPACED_THOUSANDS.fullmatch(text) if " " in text else None
    if spaced is not None:
        return (_one(text.replace(" ", "")),)
    return (_one(text),)


def _plain(text: str) -> Scalar | None:
    if _NUMBER.fullmatch(text) is None:
        return None
    try:
        return Scalar(text, parse(text), "", percent=False)
    except UnreadableError:
        return None


def _in_brackets(text: str) -> bool:
    return text.startswith(("(", "[", "\\{", "{", "\\langle")) and text.endswith((")", "]", "}", "\\rangle"))


def _one(text: str) -> Answer:
    """The reading of a cleaned text whose thousands are joined."""
    number = _plain(text)
    if number is not None:
        return number
    text = _ungrouped(text)
    if text in _NAMED_SETS:
        return _NAMED_SETS[text]
    return (
        _as_matrix(text)
        or _as_time_or_numeral(text)
        or _as_choice(text)
        or _as_words(text)
        or _as_structure(text)
        or _as_ordinal(text)
        or scalar(text)
    )


def _ungrouped(text: str) -> str:
    """`{1,2}` and `{5}`, braces that TeX does not print, without them; a list in them stays a set."""
    while text.startswith("{") and text.endswith("}") and closes_at_end(text):
        inner = text[1:-1].strip()
        if len(split_top(inner, _COMMA)) > 1:
            return "\\{" + inner + "\\}"
        text = inner
    return text


def _as_matrix(text: str) -> Matrix | None:
    match = _MATRIX.fullmatch(text) if text.startswith("\\begin") else None
    if match is None or match[1].lower().startswith("v") or "\\begin" in match[2]:
        return None
    rows = [row for row in _ROW.split(match[2]) if row.strip()]
    return Matrix(tuple(tuple(cell.strip() for cell in row.split("&")) for row in rows))


def _as_time_or_numeral(text: str) -> Answer | None:
    if not text or not (text[0].isdigit() or text[0] in "ABCDEF("):
        return None
    clock = _CLOCK.fullmatch(_unworded(text))
    if clock is not None and int(clock[1]) <= 24 and int(clock[2]) < 60 and int(clock[3] or 0) < 60:
        half = (clock[4] or "").lower()
        return Clock(int(clock[1]), int(clock[2]), int(clock[3] or 0), half)
    hour = _HOUR.fullmatch(_unworded(text))
    if hour is not None and int(hour[1]) <= 12:
        return Clock(int(hour[1]), 0, 0, hour[2].lower())
    numeral = _NUMERAL.fullmatch(text) or _NUMERAL_IN_WORDS.fullmatch(text)
    if numeral is not None and any(character.isdigit() for character in numeral[1]):
        name = _unworded(numeral[2]).lower()
        base = _BASES.get(name) or (int(name) if name.isdigit() and len(name) < 3 else None)
        if base is not None:
            return Numeral(numeral[1].replace(" ", ""), base)
    return None


def _unworded(text: str) -> str:
    return _TEXT_PART.sub(r" \1 ", text).strip() if "\\text" in text else text


def _as_choice(text: str) -> Choice | None:
    text = _unworded(text)
    match = _CHOICE.fullmatch(text)
    if match is not None:
        return Choice(match[1], "")
    match = _CHOICE_WITH_CONTENT.fullmatch(text)
    if match is not None and "," not in text[:3]:
        return Choice(match[1] or match[3], match[2] or match[4])
    return None


def _as_words(text: str) -> Answer | None:
    if not text:
        return Words("")
    if "\\text{" in text and _TEXT_ONLY.fullmatch(text):
        words = _unworded(text)
        return _number_in_words(words) or (scalar(words) if _NUMBER.match(words) else Words(words))
    if _ORDINAL_PHRASE.fullmatch(text):
        return Words(text)
    if not text[0].isalpha() and text[0] != '"':
        return None
    if _WORDS.fullmatch(text) is None or (_LIST.search(text) and len(split_top(text, _LIST)) > 1):
        return None
    return _number_in_words(text) or (Words(text) if _is_word_like(text) else None)


def _is_word_like(text: str) -> bool:
    """Whether letters are words and not a product: `east`, `Mrs. Hilt`, `ABC`; not `xy`, `abc`, `pi r`."""
    pieces = re.findall(r"[A-Za-z']+", text)
    if not pieces or any(piece in _MATH_WORDS for piece in pieces):
        return False
    if len(pieces) == 1 and not re.search(r"\d|_", text):
        word = pieces[0]
        return len(word) > 3 or word.lower() in _SHORT_WORDS or (len(word) > 1 and not word.islower())
    return any(len(piece) > 2 for piece in pieces) or text.lower().split()[0] in _SHORT_WORDS


def _number_in_words(text: str) -> Scalar | None:
    """`twenty-five`, `five apples`, `first`."""
    words = text.lower().replace("-", " ").split()
    if not words:
        return None
    if len(words) == 1 and words[0] in _ORDINALS and words[0] != "second":
        return _whole(_ORDINALS.index(words[0]), "ordinal")
    if words[0] not in _NUMBER_WORDS:
        return None
    value = _NUMBER_WORDS[words[0]]
    rest = words[1:]
    if value >= 20 and rest and _NUMBER_WORDS.get(rest[0], 10) < 10:
        value += _NUMBER_WORDS[rest[0]]
        rest = rest[1:]
    while rest and rest[0] in MULTIPLIERS:
        value *= MULTIPLIERS[rest[0]]
        rest = rest[1:]
    if (rest and rest[0] in _NUMBER_WORDS) or "and" in rest:
        return None
    return _whole(value, canonical_unit(" ".join(rest)))


def _whole(value: int, unit: str) -> Scalar:
    return Scalar(str(value), Number(Fraction(value), decimal=False), unit, percent=False)


def _as_ordinal(text: str) -> Scalar | None:
    match = _ORDINAL.fullmatch(text) if text[0].isdigit() else None
    return None if match is None else _whole(int(match[1]), "ordinal")


def _as_structure(text: str) -> Answer | None:
    if not any(mark in text for mark in ",;=<>:([\\{") and not any(
        word in text for word in ("or", "and", " to ")
    ):
        return None
    if text.startswith("]") and text.endswith("[") and text.count(",") == 1:
        first, second = text[1:-1].split(",")
        return Sequence("(", ")", (first.strip(), second.strip()))
    if "\\cup" in text:
        pieces = split_top(text, _UNION)
        if len(pieces) > 1:
            return Union(tuple(piece for _, piece in pieces))
    pieces = split_top(text, _LIST)
    if len(pieces) > 1:
        return _conjunction(pieces) or _collection([piece for _, piece in pieces if piece], braces=False)
    pieces = split_top(text, _RELATION)
    if len(pieces) > 1:
        return Relation(tuple(piece for _, piece in pieces), tuple(_operator(mark) for mark, _ in pieces[1:]))
    return _as_bracketed(text) or _as_ratio(text) or _as_plus_minus(text)


def _conjunction(pieces: list[tuple[str, str]]) -> Relation | None:
    """`x > 1 and x < 3` is `1 < x < 3`."""
    if len(pieces) != 2 or pieces[1][0] != "and":
        return None
    bounds = [_BOUND.fullmatch(piece) for _, piece in pieces]
    first, second = bounds
    if first is None or second is None or first[1] != second[1]:
        return None
    lower, upper = (first, second) if first[2][0] == ">" else (second, first)
    if lower[2][0] != ">" or upper[2][0] != "<":
        return None
    return Relation((lower[3].strip(), lower[1], upper[3].strip()), (lower[2].replace(">", "<"), upper[2]))


def _operator(mark: str) -> str:
    if mark == "\\in":
        return "in"
    if mark.startswith("\\not"):
        return "!="
    return {"=<": "<=", "=>": ">=", "==": "="}.get(mark, mark)


def _collection(parts: list[str], *, braces: bool) -> Answer:
    """A collection; a plus-minus among its parts counts as two."""
    flat: list[str] = []
    for part in parts:
        flat.extend(_both_signs(part))
    return Collection(tuple(flat), braces)


def _both_signs(text: str) -> list[str]:
    if "\\pm" not in text and "\\mp" not in text:
        return [text]
    upper = re.sub(r"\\mp(?![A-Za-z])", "-", re.sub(r"\\pm(?![A-Za-z])", "+", text))
    lower = re.sub(r"\\mp(?![A-Za-z])", "+", re.sub(r"\\pm(?![A-Za-z])", "-", text))
    return [upper.strip(), lower.strip()]


def _as_plus_minus(text: str) -> Answer | None:
    signs = _both_signs(text)
    return Collection(tuple(signs), braces=False) if len(signs) > 1 else None


def _as_bracketed(text: str) -> Answer | None:
    for opening, closing, is_set in (
        ("\\{", "\\}", True),
        ("\\langle", "\\rangle", False),
        ("(", ")", False),
        ("(", "]", False),
        ("[", ")", False),
        ("[", "]", False),
    ):
        if text.startswith(opening) and text.endswith(closing) and closes_at_end(text):
            inner = text[len(opening) : -len(closing)].strip()
            pieces = [piece for _, piece in split_top(inner, _COMMA)]
            if is_set:
                return _collection([piece for piece in pieces if piece], braces=True)
            if len(pieces) == 1:
                return _one(inner) if inner and (opening, closing) != ("(", "]") else None
            if opening == "\\langle":
                opening, closing = "(", ")"
            return Sequence(opening, closing, tuple(pieces))
    return None


def _as_ratio(text: str) -> Ratio | None:
    if ":" not in text and " to " not in text:
        return None
    pieces = [piece for _, piece in split_top(text, _COLON)]
    return Ratio(tuple(pieces)) if len(pieces) > 1 and all(pieces) else None


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
            return _named(text[: found.start()].rstrip(), _unworded(found[1]))
    if text[-1:].isalnum() or text[-1:] in "}.":
        return _without_plain_unit(text)
    return text, "", False


def _without_plain_unit(text: str) -> tuple[str, str, bool]:
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
    if words[0] in _MATH_WORDS or any(word in _MATH_WORDS for word in words):
        return text, "", False
    if all(is_known_unit(word) or len(word) > 2 for word in words[:1]):
        return _named(text[: found.start()].rstrip(), found[1])
    return text, "", False


def _named(head: str, unit: str) -> tuple[str, str, bool]:
    if unit.strip().lower() in ("percent", "per cent", "%"):
        return head, "", True
    return head, canonical_unit(unit), False
