"""Whole numbers from 2 to 99 in words, as in a rewording, and the questions that contain one."""

import re
from collections.abc import Iterator

from jz3.writer.catalogue import Reading, read
from jz3.writer.tasks.frames import without_frame

_SMALL = (
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_UNITS = ("", "-one", *(f"-{word}" for word in _SMALL[:8]))
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
WORDS = dict(enumerate([*_SMALL, *(ten + unit for ten in _TENS for unit in _UNITS)], 2))
_VALUES = {word: value for value, word in WORDS.items()}
_WORDED = re.compile(rf"\b(?:{'|'.join(sorted(_VALUES, key=len, reverse=True))})\b(?!-)", re.IGNORECASE)
_ALONE = re.compile(r"(?:(?<= )|\A)(\d{1,2})(?= [a-z]{2})")
"""A number before a word; those in formulas or lists do not count."""


def read_words(question: str) -> Reading | None:
    """The reading of a question in which one number may be in words and which may have a frame in front; None
    if no family words it like that.
    """
    question = without_frame(question)
    reading = read(question)
    if reading is not None:
        return reading
    for text in _in_digits(question):
        reading = read(text)
        if reading is not None:
            return reading
    return None


def places(question: str) -> list[re.Match[str]]:
    """The numbers of a question that can be written in words."""
    return [found for found in _ALONE.finditer(question) if int(found[1]) in WORDS]


def in_words(question: str, place: re.Match[str]) -> str:
    """The question with one of these in words."""
    word = WORDS[int(place[1])]
    begins = not question[: place.start()].strip() or question[: place.start()].rstrip()[-1] in ".?!"
    return f"{question[: place.start()]}{word.capitalize() if begins else word}{question[place.end() :]}"


def _in_digits(question: str) -> Iterator[str]:
    for found in _WORDED.finditer(question):
        yield f"{question[: found.start()]}{_VALUES[found[0].lower()]}{question[found.end() :]}"
