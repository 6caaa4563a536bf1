r"""The last formula or number of a text, for a response without box or phrase."""

import re

from jz3.answers.gold_form import Form
from jz3.answers.relations import is_number, rounds_to, unknowns
from jz3.answers.sentences import Masked, content_of, formulas_of, last_value
from jz3.answers.units import is_known_unit

Found = tuple[str, str]
"""The answer, and the rule that found it: `last_words`, `last_formula`, `last_number`."""

WINDOWS = (
    400,
    3000,
    20_000,
)  # characters from the end in which the last formula or number is searched for, one after the other
HAS_NUMBER = re.compile(r"\d|\\(?:pi|infty|sqrt|frac)|[eπ∞]")
_NUMBER = re.compile(
    r"(?<![\w:.])\d+(?::\d+)+(?:\s?[aApP]\.?[mM]\b\.?)?"  # `3:30 p.m.`, `2:3`
    r"|(?<![0-9A-Za-z_.)\]}{^\\])-?\$?\s?(?:\d{1,3}(?:(?:,|\{,\})\d{3})+(?!\d)|\d+)(?:\.\d+)?"
    r"(?:[eE][-+]?\d+(?!\w|\.\d)|\s?\*\s?10\^(?:\{-?\d+\}|-?\d+)|/\d+(?![\d/]))?%?"
    r"|(?<![\^_{A-Za-z])\d+(?:,\d{3})*(?:\.\d+)?|(?<![\d])-?\.\d+"
)
_UNIT_AFTER = re.compile(r"\s*(?:\\?%|percent\b|hundred\b|thousand\b|million\b|billion\b|trillion\b)")
_NAMED_SETS = re.compile(
    r"(?i)\b(?:no (?:real |integer )?solutions?|infinitely many solutions|all real numbers)\b"
)
_ARITHMETIC = re.compile(r"[-+*/().,\d\s$%×÷]+|[^=]*\\(?:times|div|cdot|frac)[^=]*")


def result_of(text: str) -> str:
    """The last side of a computation, such as 8 in `5 + 3 = 8`."""
    if text.startswith("(") and text.endswith(")") and "=" in text:
        text = text[1:-1].strip()
    left, equals, right = text.rpartition("=")
    if (
        equals
        and right.strip()
        and left[-1:] not in "<>!:"
        and "$" not in text
        and _ARITHMETIC.fullmatch(left.rpartition("=")[2])
    ):
        return right.strip()
    return text


def last_value_of(text: str, form: Form) -> Found | None:
    """The last formula or number, whichever comes later; if the gold is no number, a formula of its shape."""
    named = _NAMED_SETS.findall(text[-WINDOWS[0] :]) if form in ("set", "text") else []
    if named:
        return (named[-1], "last_words")
    for size in WINDOWS:
        window = text[-size:]
        found = _last_in(window, form, whole=len(text) <= size)
        if found is not None:
            return found
        if len(text) <= size:
            break
    # A tuple may be an interval, and so all numbers; behind a pair the words only say for what it holds.
    named = _NAMED_SETS.findall(text[-WINDOWS[0] :]) if form == "tuple" else []
    return (named[-1], "last_words") if named else None


_OR = r"(?<![A-Za-z])(?:and|or|ou|oder|o|или|et|und|y|e|и|或者?|和)(?![A-Za-z])"
_TWO_VALUES = re.compile(
    r"(?<![\w\\])\$?([A-Za-z](?:_\{?\w\}?)?)\s*=\s*([^=<>;$\n]{1,40}?)\$?,?\s*"
    rf"{_OR}\s+\$?\1\s*=\s*([^=<>;,$\n]{{1,40}}?)\$?[.\s]*\Z"
)  # `$x = 1$ or $x = 2$` has two values, not one


def _last_in(window: str, form: Form, *, whole: bool) -> Found | None:
    window = _without_reason(window)
    both = _TWO_VALUES.search(window[-WINDOWS[0] :]) if form == "number" else None
    if both is not None:
        return (f"{both[2].strip()}, {both[3].strip()}", "last_formula")
    formulas = formulas_of(window)
    chosen = next((formula for formula in reversed(formulas) if _fits(formula, form)), None)
    if form in ("set", "tuple", "expression") and chosen is not None:
        return (_listed(window, formulas, chosen, form), "last_formula")
    masked = Masked.of(window)
    start, value = last_value(masked, listed=form == "set")
    value = _ROUNDED.sub("", value)
    if value and form in ("set", "tuple", "expression") and not formulas:
        return (result_of(value.rstrip(".,;:")), "last_formula")
    if "\\" in value and "\x01" not in masked.mask[start : start + len(value)]:
        return (value.rstrip(".,;:"), "last_formula")
    number = None
    for number in _NUMBER.finditer(masked.mask):  # noqa: B007 (the last one is wanted)
        pass
    if chosen is not None and (number is None or chosen.start() > number.start()):
        value = _with_scale(window, chosen)
        found = (_of_several(value) if form == "number" else value, "last_formula")
        return _with_exact(window, formulas, chosen.start(), found)
    if number is None or (number.start() <= 1 and not whole):
        return None
    scale = None if number[0].endswith("%") else _UNIT_AFTER.match(window, number.end())
    plain = number[0].replace("$", "").replace(" ", "").replace("{,}", ",")
    last = plain + (scale[0].rstrip() if scale is not None else "")
    return _with_exact(window, formulas, number.start(), (last, "last_number"))


_EQUATION = re.compile(r"([^=<>]{2,80})=(?:[^=<>]{1,80}=)?\s*([^=<>]{1,40})")


def _of_several(text: str) -> str:
    """The 5 of `x + y = 5`: no number solves an equation in two unknowns, so it says what a sum is."""
    sides = _EQUATION.fullmatch(text)
    names = unknowns(sides[1]) if sides is not None else None
    # A word, such as a unit, is no unknown.
    if sides is None or names is None or sum(not name.startswith("text ") for name in names) < 2:
        return text
    value = sides[2].rstrip(".,; ")
    return value if is_number(value) else text


_ABOUT = re.compile(
    r"\s*(?:([A-Za-z]{1,12})\s*(?=[,;(]))?[,;]?\s*\(?\s*(?:(?:or|i\.e\.,?|that is,?)\s+)?"
    r"(?:about|approximately|approx\.?|roughly|nearly|around|\\approx|≈)\s*"
)
_ROUNDED = re.compile(r"\A\(?\s*\\approx(?![A-Za-z])\s*")
_DECIMAL = re.compile(r"-?\d*\.\d+")
MAX_EXACT = 200  # chosen: characters of a formula that is compared with its rounding


def _with_exact(window: str, formulas: list[re.Match[str]], start: int, found: Found) -> Found:
    r"""The exact value with its rounding if a text gives both: `$\frac{4}{23}$ (about 0.174)`."""
    before = next((formula for formula in reversed(formulas) if formula.end() <= start), None)
    if before is None or _DECIMAL.fullmatch(found[0]) is None:
        return found
    between = _ABOUT.fullmatch(window, before.end(), start)
    if between is None or (between[1] is not None and not is_known_unit(between[1])):
        return found
    exact = content_of(before)
    if len(exact) > MAX_EXACT or not rounds_to(exact.rpartition("=")[2], found[0]):
        return found
    return (f"{exact} \\approx {found[0]}", "last_formula")


_REASON = re.compile(
    r"[,(]?\s\(?(?:because|since|rejecting|discarding|rather than|instead of|for (?:all|every|any)"
    r"|where|whenever|provided)\b(?:(?!\b(?:so|hence|thus|therefore|then|gives?|gets?)\b)[^.\n,;:]){0,200}"
    r"[.)\s*]{0,9}\Z"
)
_REASON_WORDS = re.compile(r"because|since|rejecting|discarding|than |instead|for |whe|provided")
_SAID_BEFORE = re.compile(r"[\x01\d][^.\n]{0,400}\Z")


_ASIDE = re.compile(
    r"(?<=[\w\x01%])\s\((?!\s*(?:mod|about|approx|roughly|nearly|around|or\b|i\.e|\\approx))(?=[^()\n]*(?<![A-Za-z\\])[A-Za-z]{3})"
    r"[^()\n]{1,80}\)[.\s*]{0,5}\Z"
)  # `150 minutes (2 hours and 30 minutes).`
_CHECK = re.compile(
    r"(?i)(?:\n|[.!?]\s)\W{0,6}(?:check|verification|(?:let's|let us|to|we can) (?:check|verify)"
    r"|this can be (?:checked|verified))\b(?!.{0,300}\b(?:so|thus|hence|therefore|answer)\b)"
    r"(?:[^\n]|\n(?!\s*\n)){0,300}\Z"
)


def _unchecked(window: str) -> str:
    """The text without the check that ends it: `x = 7. Check: 3 * 7 = 21.` says 7."""
    if "heck" not in window and "erif" not in window:
        return window
    check = _CHECK.search(window, max(len(window) - 400, 0))
    said = check is not None and _SAID_BEFORE.search(window[max(check.start() - 400, 0) : check.start()])
    return window[: check.start() + 1] if check is not None and said else window


def _without_reason(window: str) -> str:
    """The text without the reason or the range that ends it: `$n = 7$, because $n > 3$.` says 7."""
    window = _unchecked(window)
    if _REASON_WORDS.search(window) is None and "(" not in window:
        return window
    mask = Masked.of(window).mask
    reason = _ASIDE.search(mask, max(len(mask) - 400, 0)) or _REASON.search(mask, max(len(mask) - 400, 0))
    if reason is None or _SAID_BEFORE.search(mask[max(reason.start() - 400, 0) : reason.start()]) is None:
        return window
    return window[: reason.start()]


def _fits(formula: re.Match[str], form: Form) -> bool:
    content = content_of(formula)
    if content.startswith("^"):  # `cm$^2$`
        return False
    match form:
        case "number":
            return HAS_NUMBER.search(content) is not None
        case "tuple":
            return "," in content or "matrix" in content or _COMPARED.search(content) is not None
        case "expression":
            return len(content) > 1 and re.search(r"[A-Za-z]", content) is not None
        case _:
            return re.search(r"[\w\\]", content) is not None


_COMPARED = re.compile(r"[<>=]|\\(?:[gl](?:e|eq|eqslant|t)|in)(?![A-Za-z])")


def _with_scale(window: str, formula: re.Match[str]) -> str:
    """The formula, with a minus right before it and the scale or percent sign right after it."""
    sign = "-" if window[max(formula.start() - 1, 0) : formula.start()] == "-" else ""
    scale = _UNIT_AFTER.match(window, formula.end())
    return sign + content_of(formula) + (scale[0] if scale is not None else "")


_CONNECTED = re.compile(rf"\s*(?:[,;]\s*(?:{_OR})?|{_OR})\s*")


def _listed(window: str, formulas: list[re.Match[str]], chosen: re.Match[str], form: Form) -> str:
    """A formula with the others in its list: `$x = 1$ or $x = 2$`."""
    parts = [content_of(chosen)]
    place = formulas.index(chosen)
    while (
        form != "expression"
        and place
        and _CONNECTED.fullmatch(window[formulas[place - 1].end() : formulas[place].start()])
    ):
        place -= 1
        parts.append(content_of(formulas[place]))
    return ", ".join(reversed(parts))
