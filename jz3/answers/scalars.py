r"""Equality of scalars (numbers and expressions with units, percent signs and degrees), and of words."""

import re
from fractions import Fraction

from jz3.answers.exact import UndefinedError
from jz3.answers.expressions import parse
from jz3.answers.forms import Scalar, Words
from jz3.answers.notation import normal_form
from jz3.answers.symbolic import AnswerVerdict, Symbolic
from jz3.answers.tokens import UnreadableError
from jz3.answers.tree import Number, Product, Quotient, with_decimal_logarithms
from jz3.answers.units import canonical_unit
from jz3.answers.values import Tolerance, same_value


def same_scalars(a: Scalar, b: Scalar, tolerance: Tolerance, symbolic: Symbolic) -> AnswerVerdict:
    """Whether two scalars are the same: first units, percent and degree signs, then values."""
    if a.node is None or b.node is None:
        return _unread(a, b, symbolic)
    a, b = _with_letter(a, b), _with_letter(b, a)
    if a.node is None or b.node is None:
        return _unread(a, b, symbolic)
    if {a.unit, b.unit} == {"degree", "radian"}:
        return AnswerVerdict(_as_radians(a, b, tolerance), "degrees")
    if (a.unit and b.unit and a.unit != b.unit) or (a.percent and b.unit) or (b.percent and a.unit):
        return AnswerVerdict(equal=False, rule="different_units")
    try:
        same, rule = same_value(a.node, b.node, tolerance)
        if not same and ("\\log" in a.text or "\\log" in b.text):
            decimal = with_decimal_logarithms(a.node), with_decimal_logarithms(b.node)
            same, rule = same_value(*decimal, tolerance)
        if not same and a.percent != b.percent:
            same, rule = _as_fraction(a, b, tolerance), "percent"
        if not same and (a.unit == "degree") != (b.unit == "degree"):
            same, rule = _as_radians(a, b, tolerance), "degrees"
    except UndefinedError:
        return AnswerVerdict(equal=False, rule="undefined")
    if same and a.percent != b.percent:
        rule = "percent"
    if same and a.unit != b.unit and rule != "degrees":
        rule = "unit"
    return AnswerVerdict(same, rule)


def _with_letter(a: Scalar, b: Scalar) -> Scalar:
    """`5 L` with its unit, if the other side names it or is a number: the space tells it from a product."""
    if a.unit or a.percent or b.percent or not a.text or not a.text[-1].isalpha():
        return a
    found = _LETTER_APART.fullmatch(a.text)
    if found is None:
        return a
    unit = canonical_unit(found[2])
    if b.unit != unit and (b.unit or _ANY_LETTER.search(b.text) is not None):
        return a
    return Scalar(found[1], parse(found[1]), unit, percent=False)


_LETTER_APART = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+))\s+([mgshLlVNJW])")
_ANY_LETTER = re.compile(r"(?<![A-Za-z\\])[A-Za-z]")


def _as_fraction(a: Scalar, b: Scalar, tolerance: Tolerance) -> bool:
    """Whether they are equal when 50% is read as 0.5."""
    percent, other = (a, b) if a.percent else (b, a)
    assert percent.node is not None
    assert other.node is not None
    hundredth = Quotient(percent.node, Number(_HUNDRED, decimal=False))
    return same_value(hundredth, other.node, tolerance)[0]


def _as_radians(a: Scalar, b: Scalar, tolerance: Tolerance) -> bool:
    """Whether they are equal when 30 degrees are read as pi/6."""
    degrees, other = (a, b) if a.unit == "degree" else (b, a)
    assert degrees.node is not None
    assert other.node is not None
    return same_value(Product((degrees.node, _DEGREE)), other.node, tolerance)[0]


def _unread(a: Scalar, b: Scalar, symbolic: Symbolic) -> AnswerVerdict:
    if normal_form(a.text) == normal_form(b.text) and (a.unit == b.unit or not (a.unit and b.unit)):
        return AnswerVerdict(equal=True, rule="normal_form")
    if (
        plain_words(a.text) == plain_words(b.text) != ""
        and _PROSE.fullmatch(a.text)
        and _PROSE.fullmatch(b.text)
    ):
        return AnswerVerdict(equal=True, rule="words")
    return symbolic.same(a.text, b.text)


def same_word(a: Words, b: Scalar, tolerance: Tolerance) -> AnswerVerdict:
    r"""`\frac{2(ellipse)}{2}` equals `ellipse`: the letters of one word as a product."""
    if b.node is None:
        return AnswerVerdict(plain_words(a.text) == plain_words(b.text), "words")
    if len(a.text) > 2 and plain_words(a.text) == plain_words(b.text) and not b.unit:
        return AnswerVerdict(equal=True, rule="words")
    if not a.text.isalpha() or b.unit:
        return AnswerVerdict(equal=False, rule="different_kinds")
    try:
        same, rule = same_value(parse(a.text), b.node, tolerance)
    except (UnreadableError, UndefinedError):
        return AnswerVerdict(equal=False, rule="different_kinds")
    return AnswerVerdict(same, rule)


def plain_words(text: str) -> str:
    """The words without case, marks, a leading article, and the endings of `3rd`."""
    words = re.findall(r"[\w%$]+(?:'\w+)?", text.lower().replace(".", ""))
    shown = " ".join(words[1:] if words[:1] in (["the"], ["a"], ["an"]) and len(words) > 1 else words)
    shown = _SUBJECT.sub("", shown)
    return _SYNONYMS.get(shown, re.sub(r"(?<=\d)(?:st|nd|rd|th)\b", "", shown))


_PROSE = re.compile(r"[A-Za-z][\w\s'\".,;:!?&-]*")
_SUBJECT = re.compile(
    r"(?:this )?(?:limit|(?:infinite |improper |given )?(?:series|integral|sum)|sequence|inverse) "
    r"(?=(?:does not exist|doesn't exist|diverges|converges|is (?:di|con)vergent|is undefined)$)"
)
_SYNONYMS = {
    **dict.fromkeys(("dne", "doesn't exist"), "does not exist"),
    **{f"{be}{way}vergent": f"{way}verges" for way in ("di", "con") for be in ("", "is ")},
    "is undefined": "undefined",
}


_HUNDRED = Fraction(100)
_DEGREE = parse("\\pi/180")
