r"""Equations of plain numbers in a solution that do not hold: `12 * 12 = 166`.

The check is cautious. It reads a side only if all of it is numbers, brackets and `+ - * / ^` (also in LaTeX),
and the other side is a single number. It does not read anything with letters, units, percent, functions or
indices, nor texts that compute in other ways (modulo, other bases, clocks, operations of their own). A side
with a division or a decimal may be off by `rounding` in the last place shown; a difference by a common factor
between units (60, 1,000) is taken for a conversion. If there are two common readings (`12 / 2 * 3`, `-2^2`),
either will do. Costs some 20 microseconds per equation.
"""

import re
from collections.abc import Callable
from fractions import Fraction
from itertools import product

import polars as pl

from jz3.curation.conversions import is_conversion

_NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"
_TOKEN = re.compile(rf"{_NUMBER}|[-+*/^()]")
_RESULT = re.compile(rf"=[ \t]*(-?(?:\({_NUMBER}/{_NUMBER}\)|{_NUMBER}(?:/{_NUMBER})?))")
_NUMBERS_AND_SIGNS = frozenset("0123456789.,+-*/^() \t")
_GOES_ON = re.compile(
    r"[\w^_(\\!%°{\[:=/*+'-]|[.,]\d"
    r"|[ \t]+(?:[-+*/^(\\%:≡=√]|[A-Za-z](?![A-Za-z])"
    r"|(?:hundred|thousand|million|billion|trillion|dozen|percent|over|times|plus|minus|mod|remainder|rem"
    r"|and[ \t]+(?:an?\b|\d+/))\b)",
    re.IGNORECASE,
)
"""What may follow a number that is only part of its side."""
_BEFORE = re.compile(
    r"(?:^[ \t]*|[=<>≤≥≈;\n\"“”][ \t]*|[.:,?!)][ \t]+"
    r"|(?<![A-Za-z\\])(?!(?:times|plus|minus|over|by|of|mod|half|root|squared|cubed|percent)[ \t])"
    r"[A-Za-z]{2,}[ \t]+)$",
    re.IGNORECASE,
)
"""What may precede a side that is complete."""
_OTHER_ARITHMETIC = re.compile(
    r"\\[pb]?mod|\b(?:mod(?:ulo|ular|ulus)?|binary|octal|hexadecimal|clock|o'clock)\b"
    r"|\bbase[- ]?(?:\d+|two|three|ten|\$)"
    r"|[≡⊕⊗⊙⋆★∘◦]|\\(?:equiv|oplus|otimes|odot|star|circ|bullet|diamond)(?![a-z])"
    r"|\b(?:operat(?:ion|or)|define[sd]?)\b[^.\n]{0,60}[*#@∗△□]",
    re.IGNORECASE,
)
_LATEX = (
    (re.compile(r"\\(?:left|right|displaystyle|quad|[,;! ])(?![a-zA-Z])"), ""),
    (re.compile(r"\\\$|\\[()\[\]]|\$|&"), ""),
    (re.compile(r"\\(?:times|cdot|ast)(?![a-zA-Z])|[×·∙⋅]"), "*"),
    (re.compile(r"\\div(?![a-zA-Z])|÷"), "/"),
    (re.compile(rf"\\[dt]?frac\s*\{{\s*({_NUMBER})\s*\}}\s*\{{\s*({_NUMBER})\s*\}}"), r"(\1/\2)"),
    (re.compile(r"\^\{\s*(\d+)\s*\}"), r"^\1"),
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"[−–]"), "-"),
    (re.compile(r"\*\*(?=\d)"), "^"),
)
_LONGEST_SIDE = 200
"""Characters (chosen: a sum of some 40 numbers)."""
_LARGEST_EXPONENT, _LARGEST_BASE = 64, 10**6


def false_steps(problems: pl.Series, solutions: pl.Series, rounding: float) -> pl.Series:
    """The first false equation of each solution, or null. `rounding` is in units of the last place shown."""
    rows = pl.DataFrame({"problem": problems, "solution": solutions}).with_row_index("row")
    suspects = rows.filter(pl.col("solution").str.contains(r"=\W*\d"))
    found = [
        None if _OTHER_ARITHMETIC.search(problem) else false_step(solution, rounding)
        for _, problem, solution in suspects.iter_rows()
    ]
    evidence = pl.Series(solutions.name, [None], dtype=pl.String).new_from_index(0, solutions.len())
    return evidence.scatter(suspects["row"], pl.Series(found, dtype=pl.String)) if found else evidence


def false_step(solution: str, rounding: float) -> str | None:
    """The first equation that does not hold; None if all that can be read do."""
    if _OTHER_ARITHMETIC.search(solution):
        return None
    for pattern, plain in _LATEX:
        solution = pattern.sub(plain, solution)
    for found in _RESULT.finditer(solution):
        side = None if _GOES_ON.match(solution, found.end()) else _side(solution, found.start())
        if side is not None and not _holds(side, re.sub(r"[,()]", "", found[1]), rounding):
            return f"{side} = {found[1]}"
    return None


def _side(text: str, end: int) -> str | None:
    """The side of an equation that ends here, if it is complete and computes only with numbers."""
    start = end
    while start > max(0, end - _LONGEST_SIDE) and text[start - 1] in _NUMBERS_AND_SIGNS:
        start -= 1
    while start < end and text[start] in " \t.,":
        start += 1
    side = text[start:end].rstrip()
    if side.startswith("(") and side.count("(") == side.count(")") + 1:
        return side[1:].strip() if _computes(side[1:]) else None
    if not _computes(side) or not _BEFORE.search(text[max(0, start - 20) : start]):
        return None
    return side


def _computes(side: str) -> bool:
    return bool(re.match(r"-?[\d(]", side) and re.search(r"[\d)]\s*[-+*/^]", side)) and side.count(
        "("
    ) == side.count(")")


def _holds(side: str, result: str, rounding: float) -> bool:
    """Whether some common reading of the side gives this value, or no reading can be computed."""
    places = len(result.partition(".")[2])
    rounded = "/" not in result and ("/" in side or "." in side or "." in result)
    allowed = Fraction(rounding) / 10**places if rounded else Fraction(0)
    over = result.partition("/")
    if over[1] and ("." in result or not int(over[2])):
        return True
    meant = Fraction(result)
    for grabs, binds in product((False, True), repeat=2):
        try:
            value = _Reading(side, divisor_grabs=grabs, sign_binds=binds).value()
        except (_NotRead, ZeroDivisionError):
            return True
        if abs(value - meant) <= allowed or is_conversion(value, meant):
            return True
    return False


class _NotRead(Exception):  # noqa: N818 (never leaves this module)
    pass


class _Reading:
    """One reading of a side, by recursive descent."""

    def __init__(self, side: str, *, divisor_grabs: bool, sign_binds: bool) -> None:
        if re.search(r"[^\s]", _TOKEN.sub("", side)):
            raise _NotRead
        self._tokens = _TOKEN.findall(side)
        self._at = 0
        self._grabs, self._binds = divisor_grabs, sign_binds

    def value(self) -> Fraction:
        value = self._sum()
        if self._at < len(self._tokens):
            raise _NotRead
        return value

    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1] if self._at <= len(self._tokens) else ""

    def _sum(self) -> Fraction:
        value = self._product()
        while self._next() in ("+", "-"):
            value += self._product() if self._take() == "+" else -self._product()
        return value

    def _product(self) -> Fraction:
        value = self._signed()
        while self._next() in ("*", "/"):
            if self._take() == "*":
                value *= self._signed()
            else:
                value /= self._product() if self._grabs else self._signed()
        return value

    def _signed(self) -> Fraction:
        if self._next() != "-":
            return self._power(self._atom)
        self._take()
        return self._power(lambda: -self._atom()) if self._binds else -self._power(self._atom)

    def _power(self, atom: Callable[[], Fraction]) -> Fraction:
        base = atom()
        if self._next() != "^":
            return base
        self._take()
        exponent = self._signed()
        if exponent.denominator != 1 or abs(exponent) > _LARGEST_EXPONENT or abs(base) > _LARGEST_BASE:
            raise _NotRead
        return base**exponent.numerator

    def _atom(self) -> Fraction:
        token = self._take()
        if token == "(":
            value = self._sum()
            if self._take() != ")":
                raise _NotRead
            return value
        if not token[:1].isdigit():
            raise _NotRead
        return Fraction(token.replace(",", ""))
