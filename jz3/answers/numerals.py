r"""Readings of times, numerals with a base, residues, ordinals and ratios."""

import re

from jz3.answers.forms import Answer, Clock, Numeral, Ratio, Residue, Scalar
from jz3.answers.notation import split_top
from jz3.answers.number_words import whole_number
from jz3.answers.quantities import unworded

_CLOCK = re.compile(r"(\d{1,2})\s*:\s*(\d{2})(?:\s*:\s*(\d{2}))?\s*(?:([aApP])\.?\s?[mM]\.?)?")
_HOUR = re.compile(r"(\d{1,2})\s*([aApP])\.?\s?[mM]\.?")
_NUMERAL = re.compile(r"\(?(?:\\text\{)?([0-9A-Fa-f][0-9A-Fa-f ]*)\}?\)?_\s*\{?\s*(\w+|\\text\{\w+\})\s*\}?")
_NUMERAL_IN_WORDS = re.compile(
    r"([0-9A-F]+)\s*(?:\\text\{)?\s*\(?\s*(?:in )?base[ -]?\{?(\w+)\}?\s*\)?\s*\}?"
)
_ORDINAL = re.compile(r"(\d+)\s*\^?\s*\{?\s*(?:\\text\{)?\s*(?:st|nd|rd|th)\s*\}?\s*\}?")
_RESIDUE = re.compile(r"(.*?)\s*\\pmod\s*\{\s*(\w+)\s*\}", re.DOTALL)
_COLON = re.compile(r":|(?<=\s)to(?=\s)")
_BASES = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}


def time_or_numeral(text: str) -> Answer | None:
    if not text or not (text[0].isdigit() or text[0] in "ABCDEFabcdef(\\"):
        return None
    clock = _CLOCK.fullmatch(unworded(text))
    if clock is not None and int(clock[1]) <= 24 and int(clock[2]) < 60 and int(clock[3] or 0) < 60:
        half = (clock[4] or "").lower()
        return Clock(int(clock[1]), int(clock[2]), int(clock[3] or 0), half)
    hour = _HOUR.fullmatch(unworded(text))
    if hour is not None and int(hour[1]) <= 12:
        return Clock(int(hour[1]), 0, 0, hour[2].lower())
    numeral = _NUMERAL.fullmatch(text) or _NUMERAL_IN_WORDS.fullmatch(text)
    if numeral is not None:
        name = unworded(numeral[2]).lower()
        base = _BASES.get(name) or (int(name) if name.isdecimal() and len(name) < 3 else None)
        digits = numeral[1].replace(" ", "").upper()
        if base is not None and (digits[0].isdigit() or (base > 10 and len(digits) > 1)):
            return Numeral(digits, base)
    return None


def residue_class(text: str) -> Residue | None:
    match = _RESIDUE.fullmatch(text) if "\\pmod" in text else None
    return Residue(match[1], match[2]) if match is not None and "=" not in match[1] else None


def ordinal(text: str) -> Scalar | None:
    match = _ORDINAL.fullmatch(text) if text[0].isdigit() else None
    return None if match is None else whole_number(int(match[1]), "ordinal")


def ratio(text: str) -> Ratio | None:
    if ":" not in text and " to " not in text:
        return None
    pieces = [piece for _, piece in split_top(text, _COLON)]
    return Ratio(tuple(pieces)) if len(pieces) > 1 and all(pieces) else None


def ratio_parts(answer: Ratio | Clock) -> tuple[str, ...]:
    if isinstance(answer, Ratio):
        return answer.parts
    return () if answer.half or answer.second else (str(answer.hour), str(answer.minute))


def same_time(a: Clock, b: Clock) -> bool:
    """5:45 equals 5:45 p.m., and 17:45 equals 5:45 p.m., but a.m. does not equal p.m."""
    if (a.minute, a.second) != (b.minute, b.second):
        return False
    if a.half and b.half and a.half != b.half:
        return False
    if a.half == b.half:
        return a.hour == b.hour
    with_half, bare = (a, b) if a.half else (b, a)
    hour = with_half.hour % 12 + (12 if with_half.half == "p" else 0)
    return bare.hour in (with_half.hour, hour)
