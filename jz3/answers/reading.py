"""What an answer is: a number, an expression, a set, an interval, a relation, words and so on.

`read` gives every reading that a text allows, the most likely first: `100,200` is a number or a list of two;
other texts have one reading. Parts of a structure stay texts; they are read when they are compared.
"""

import re
from functools import lru_cache

from jz3.answers.arrays import computed, determinant, matrix, pieces, rows_of_lists, system
from jz3.answers.expressions import parse
from jz3.answers.forms import (
    Answer,
    Choice,
    Collection,
    Relation,
    Scalar,
    Sequence,
    Union,
    Words,
)
from jz3.answers.named_sets import named_set
from jz3.answers.notation import clean, closes_at_end, split_top
from jz3.answers.number_words import number_in_words
from jz3.answers.numerals import ordinal, ratio, residue_class, time_or_numeral
from jz3.answers.quantities import MATH_WORDS, is_money, of_several_units, scalar, unworded
from jz3.answers.relations import is_label, lies_below, rounds_to, said_twice
from jz3.answers.tokens import UnreadableError

_NUMBER = re.compile(r"[-+]?\s?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_THOUSANDS = re.compile(r"(?<![\d.,])(\d{1,3}(?:,\d{3})+)(?!\d|,\d)")
_SPACED_THOUSANDS = re.compile(r"(-?\s?\d{1,3})((?: \d{3})+)(\.\d+)?")
_DECIMAL_COMMA = re.compile(r"-?(?:\d{1,3}(?:[. ]\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,}|0,\d{2,}|\d{4,},\d{1,2})")
_OTHER_MARKS = re.compile(r"-?(?:\d{1,3}(?:'\d{3})+|\d{1,3}(?:_\d{3})+|\d{1,2}(?:,\d{2})+,\d{3})(?:\.\d+)?")
_APPROX = re.compile(r"\\(?:approx|simeq)(?![A-Za-z])")
_EQUALS = re.compile(r"(?<![<>!:])=")
_ROUNDED_ASIDE = re.compile(r"(?<=\S)\s*\(\s*(\\(?:approx|simeq)[^()]*)\)$")
MAX_APPROXIMATIONS = 4  # chosen: more are no answer
_APPROXIMATELY = re.compile(
    r"(?i)^(?:(?:is |it is )?(?:about|approximately|approx\.?|around|roughly|nearly|almost|exactly|precisely"
    r"|only|just)|\\(?:approx|simeq|sim)|~|equal to)\s*(?=[-\d.\\$(a-z])"
)
_SIGN_IN_WORDS = re.compile(
    r"(?i)(?:\\text\{\s*)?(?:negative|minus)\s*\}?\s*(?=\.?\d|infinity|\\(?:[dt]?frac|sqrt|pi|infty)(?![A-Za-z]))"
)
_ANNOUNCED = re.compile(
    r"\\text\{[^{}]*(?:\b(?:is|are|approximately|about|roughly)|[:=≈])\s*\}\s*(?=[^\s=<>])"
    r"|[A-Z]?[a-z]{3,12}(?: [a-z]{2,12}){0,3}: (?=[-\d\\$])"
)  # `\text{The area is } 5`, `Total: 5`
_POINT = re.compile(r"(?:\\text\{)?([A-Z])\}?'{0,2}\s*=?\s*(\([^()]*,.*\))")
_CHOSEN = re.compile(r"\(\s*(\d{1,4})\s*,\s*(\d{1,4})\s*\)")
_DOMAIN = re.compile(r"([A-Za-z])\s*\\in\s*(?:\\mathbb\s*\{?\s*R\s*\}?|\\text\{R\})")
_SPACED_LIST = re.compile(r",\s")
_YES_OR_NO = re.compile(r"(?i)(?:\\text\{\s*)?(yes|no)(?:\*\*)?\s*[,;.:]\s+[a-z]")
_UNION = re.compile(r"\\cup(?![A-Za-z])")
_LIST = re.compile(r"[,;]|(?<![A-Za-z])(?:or|and)(?![A-Za-z])|或者?|和")
_COMMA = re.compile(r"[,;]")
_SEMICOLON = re.compile(";")
_RELATION = re.compile(r"<=|>=|!=|=<|=>|==|=|<|>|\\in(?![A-Za-z])|\\not\s*=")
_CONDITION = re.compile(
    r"([A-Za-z])\s*(?:\\in\s*\\mathbb\s*\{?\s*R\s*\}?\s*)?[|:](?!=)\s*([^|]*(?:[<>=]|\\in)[^|]*)"
)
_OUTWARD = re.compile(r"[\[\]]([^\[\],]+),([^\[\],]+)[\[\]]")  # `]0,1]`: brackets that turn outward
_CHOICE = re.compile(r"\(?\s*([A-J])\s*\)?[.:]?")
_CHOICE_WITH_CONTENT = re.compile(r"\(\s*([A-J])\s*\)\s*(?!and\b|or\b)([^\s,].*)|([A-J])\s*[).:]\s*(\S.*)")
_LETTERS = re.compile(r"\(?[A-J]\)?(?:\s*(?:,|;|and|,\s*and)\s*\(?[A-J]\)?)+")
_ORDINAL_PHRASE = re.compile(r"\d+(?:st|nd|rd|th)\s+[A-Za-z][A-Za-z .']*")
_BOUND = re.compile(r"(\\?[A-Za-z]+)\s*(<=|>=|<|>)\s*([^<>=]+)")
_MIXED_IN_WORDS = re.compile(r"(-?\d+) and (\d+\s*/\s*\d+|\\frac\s*\{\d+\}\s*\{\d+\})(?![\d/])")
_WORDS = re.compile(r"[A-Za-z\"][\w\s'\".,!?&-]*")
_TEXT_ONLY = re.compile(r"(?:\\text\{([^{}]*)\}|([\s.,]))+")
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


@lru_cache(maxsize=8192)
def read(text: str) -> tuple[Answer, ...]:
    """All readings of an answer (raw or cleaned), the most likely first."""
    return _read_clean(clean(text))


def _read_clean(text: str) -> tuple[Answer, ...]:
    opinion = _YES_OR_NO.match(text)
    if opinion is not None:
        return (Words(opinion[1]),)
    number = _plain(text)
    if number is not None:
        return (number,)
    announced = _ANNOUNCED.match(text)
    if announced is not None:
        text = text[announced.end() :]
    text = _APPROXIMATELY.sub("", text)
    signed = _SIGN_IN_WORDS.match(text)
    if signed is not None:
        text = "-" + text[signed.end() :]
    if "\\approx" in text or "\\simeq" in text:
        return _approximated(text)
    joint = of_several_units(text)
    if joint is not None:
        return (joint,)
    text = _other_thousands(text)
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
    point = _POINT.fullmatch(text)
    if point is not None:
        return _as_point(point)
    return (_one(text),)


def _as_point(point: re.Match[str]) -> tuple[Answer, ...]:
    """`C(5,2)` is a binomial coefficient or a named point; `A(1,2)` is a point."""
    chosen = _CHOSEN.fullmatch(point[2])
    if chosen is not None and point[1] == "C":
        return (scalar(f"\\binom{{{chosen[1]}}}{{{chosen[2]}}}"), _one(point[2]))
    if chosen is not None and point[1] == "P":
        return (scalar(f"\\frac{{{chosen[1]}!}}{{({chosen[1]}-{chosen[2]})!}}"), _one(point[2]))
    return (_one(point[2]),)


def _approximated(text: str) -> tuple[Answer, ...]:
    r"""`\frac13 \approx 0.333` is one third, but also its rounding; `x \approx 5` is `x = 5`."""
    parts = [piece for _, piece in split_top(_ROUNDED_ASIDE.sub(r"\1", text), _APPROX)]
    exact, last = parts[0], parts[-1]
    if not exact or is_label(exact) or len(parts) > MAX_APPROXIMATIONS:
        return (_one(f"{exact}={last}" if exact else last),)
    return (_one(exact), _one(last)) if rounds_to(split_top(exact, _EQUALS)[-1][1], last) else (_one(exact),)


def _other_thousands(text: str) -> str:
    """`1.234,56`, `1'234`, `1_234` and `12,34,567` without separators, and `0,5` with a point."""
    if _DECIMAL_COMMA.fullmatch(text):
        return re.sub("[. ]", "", text).replace(",", ".")
    return re.sub(r"[',_]", "", text) if _OTHER_MARKS.fullmatch(text) else text


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
    """The reading of a cleaned text without thousands separators."""
    number = _plain(text)
    if number is not None:
        return number
    text = _ungrouped(text)
    if is_money(text):
        return scalar(text)
    return (
        named_set(text)
        or _as_array(text)
        or time_or_numeral(text)
        or residue_class(text)
        or _as_choice(text)
        or _as_words(text)
        or _as_structure(text)
        or ordinal(text)
        or scalar(text)
    )


def _ungrouped(text: str) -> str:
    """`{1,2}` and `{5}` without braces that TeX does not print; a list in them stays a set."""
    while text.startswith("{") and text.endswith("}") and closes_at_end(text):
        inner = text[1:-1].strip()
        if len(split_top(inner, _COMMA)) > 1:
            return "\\{" + inner + "\\}"
        text = inner
    return text


def _as_array(text: str) -> Answer | None:
    if "\\begin" not in text and "^" not in text:
        return None
    value = determinant(text)
    if value is not None:
        return scalar(value)
    lines = system(text)
    if lines is not None:
        return _one(lines[0].lstrip("= ")) if len(lines) == 1 else _collection(lines, braces=False)
    return matrix(text) or pieces(text) or computed(text)


def _as_choice(text: str) -> Choice | None:
    text = unworded(text)
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
    mixed = _MIXED_IN_WORDS.fullmatch(text)
    if mixed is not None:
        return scalar(f"{mixed[1]} {mixed[2]}")
    if text[0].isalpha() and " " in text and not any(mark in text for mark in ",\\=<>"):
        spelt = number_in_words(text)
        if spelt is not None:
            return spelt
    if "\\text{" in text and _TEXT_ONLY.fullmatch(text):
        words = unworded(text)
        if _LETTERS.fullmatch(words):
            return _as_structure(words)
        if number_in_words(words) is None and _NUMBER.match(words):
            return _as_structure(words) or scalar(words)
        return number_in_words(words) or Words(words)
    if _ORDINAL_PHRASE.fullmatch(text):
        return Words(text)
    if _LETTERS.fullmatch(text):
        return None
    if not text[0].isalpha() and text[0] != '"':
        return None
    if _WORDS.fullmatch(text) is None or (_LIST.search(text) and len(split_top(text, _LIST)) > 1):
        return None
    return number_in_words(text) or (Words(text) if _is_word_like(text) else None)


def _is_word_like(text: str) -> bool:
    """Whether letters are words rather than a product: `east`, `Mrs. Hilt`, `ABC`; not `xy`, `abc`, `pi
    r`.
    """
    pieces = re.findall(r"[A-Za-z']+", text)
    if not pieces or any(piece in MATH_WORDS for piece in pieces):
        return False
    if len(pieces) == 1 and not re.search(r"\d|_", text):
        word = pieces[0]
        return len(word) > 3 or word.lower() in _SHORT_WORDS or (len(word) > 1 and not word.islower())
    return any(len(piece) > 2 for piece in pieces) or text.lower().split()[0] in _SHORT_WORDS


def _as_structure(text: str) -> Answer | None:
    if not any(mark in text for mark in ",;=<>:([\\{") and not any(
        word in text for word in ("or", "and", " to ", "或", "和")
    ):
        return None
    outward = _OUTWARD.fullmatch(text)
    if outward is not None and text[0] + text[-1] != "[]":
        ends = ("(" if text[0] == "]" else "[", ")" if text[-1] == "[" else "]")
        return Sequence(*ends, (outward[1].strip(), outward[2].strip()))
    if "\\cup" in text:
        members = split_top(text, _UNION)
        if len(members) > 1:
            return Union(tuple(member for _, member in members))
    groups = [group for _, group in split_top(text, _SEMICOLON) if group]
    if len(groups) > 1 and all("=" in group and len(split_top(group, _LIST)) > 1 for group in groups):
        return _collection(groups, braces=False)
    parts = split_top(text, _LIST)
    if len(parts) > 1:
        parts = _without_domains([(mark, part) for mark, part in parts if part])
        if len(parts) == 1:
            return _one(parts[0][1])
        texts = [part for _, part in parts]
        if said_twice(parts):
            return _one(texts[0])
        return _conjunction(parts) or _collection(_in_rounds(texts), braces=False)
    sides = split_top(text, _RELATION)
    if len(sides) > 1:
        if any(_operator(mark) == "!=" for mark, _ in sides[1:]) and len(_both_signs(text)) > 1:
            return _collection([text], braces=False)
        return Relation(tuple(side for _, side in sides), tuple(_operator(mark) for mark, _ in sides[1:]))
    return _as_bracketed(text) or ratio(text) or _as_plus_minus(text)


def _in_rounds(parts: list[str]) -> list[str]:
    """`p = 5, q = 2, p = 7, q = 2` as two solutions with two names each."""
    named = [_NAMED.match(part) for part in parts]
    names = [match[1] for match in named if match is not None]
    count = len(set(names))
    if len(names) != len(parts) or count in (1, len(parts)) or names != names[:count] * (len(parts) // count):
        return parts
    return [", ".join(parts[start : start + count]) for start in range(0, len(parts), count)]


_NAMED = re.compile(r"([A-Za-z](?:_\{?\w+\}?)?)\s*=(?!=)")


def _without_domains(parts: list[tuple[str, str]]) -> list[tuple[str, str]]:
    r"""`x>5, x \in \mathbb{R}` is `x>5`: next to more information, the domain of a letter adds nothing."""
    kept = [(mark, part) for mark, part in parts if _DOMAIN.fullmatch(part) is None]
    return kept if kept else parts


def _conjunction(pieces: list[tuple[str, str]]) -> Relation | None:
    """`x > 1 and x < 3` and `x > 1, x < 3` are `1 < x < 3`; with `or` they are not."""
    if len(pieces) != 2 or pieces[1][0] not in ("and", ","):
        return None
    bounds = [_BOUND.fullmatch(piece) for _, piece in pieces]
    first, second = bounds
    if first is None or second is None or first[1] != second[1]:
        return None
    lower, upper = (first, second) if first[2][0] == ">" else (second, first)
    if lower[2][0] != ">" or upper[2][0] != "<":
        return None
    if pieces[1][0] == "," and not lies_below(lower[3], upper[3]):
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
            parts = [part for _, part in split_top(inner, _COMMA)]
            if is_set and len(parts) == 1:
                condition = _CONDITION.fullmatch(inner)
                if condition is not None and condition[1] in condition[2]:
                    return _one(condition[2])
            if is_set:
                return _collection([part for part in parts if part], braces=True)
            if len(parts) == 1:
                return _one(inner) if inner and (opening, closing) != ("(", "]") else None
            if opening == "\\langle":
                opening, closing = "(", ")"
            return rows_of_lists(parts) or Sequence(opening, closing, tuple(parts))
    return None
