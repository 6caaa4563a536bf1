r"""Errors in a text apart from its steps: numbers, boxes, marks, ends, and what a rewording must keep.

Each function returns the text with an error, or None if it has nothing to put it in.
"""

import re

from jz3.text.problem_text import last_boxed
from jz3.writer.draws import Draws
from jz3.writer.tasks.number_words import WORDS

_DIGITS = r"(?<![\w.\\^{/])\d+(?![\w/]|\.\d)"
_IN_WORDS = "|".join(sorted(WORDS.values(), key=len, reverse=True))
_STATED = re.compile(rf"{_DIGITS}|(?<![\w-])(?:{_IN_WORDS})(?![\w-])")
_VALUES = {word: value for value, word in WORDS.items()}
_LETTER = re.compile(r"(?<![A-Za-z\\])[B-HJ-Zb-hj-z](?![A-Za-z])")
_SENTENCE = re.compile(r"(?<=[.?!]) (?=[A-Z])")
LARGEST_CHANGE = 9
"""The largest change of a number (chosen: one digit)."""
EARLIEST_END, LATEST_END = 0.3, 0.9
"""Share of the words after which a text breaks off (chosen: it has begun, but is not done)."""


def without_box(text: str, _: Draws) -> str | None:
    """The answer without its box."""
    boxed = last_boxed(text)
    box = f"\\boxed{{{boxed}}}"
    return None if boxed is None or box not in text else boxed.join(text.rsplit(box, 1))


def broken_off(text: str, draws: Draws) -> str | None:
    """Break off the text."""
    ends = [word.end() for word in re.finditer(r"\S+", text)]
    low, high = max(1, int(EARLIEST_END * len(ends))), int(LATEST_END * len(ends))
    return None if high < low or high == len(ends) else text[: ends[draws.whole("end", low, high) - 1]]


def other_number(text: str, draws: Draws) -> str | None:
    """Change a number of the text."""
    found = list(_STATED.finditer(text))
    if not found:
        return None
    place = found[draws.whole("number", 0, len(found) - 1)]
    value = int(place[0]) if place[0].isdigit() else _VALUES[place[0]]
    off = draws.whole("change", 1, LARGEST_CHANGE)
    other = value - off if draws.whole("less", 0, 1) and value - off > 1 else value + off
    return f"{text[: place.start()]}{other}{text[place.end() :]}"


def turned_numbers(text: str, draws: Draws) -> str | None:
    """Swap two numbers."""
    found = list(re.finditer(_DIGITS, text))
    pairs = [
        (one, other) for one in found for other in found if one.end() < other.start() and one[0] != other[0]
    ]
    if not pairs:
        return None
    one, other = pairs[draws.whole("pair", 0, len(pairs) - 1)]
    between = text[one.end() : other.start()]
    return f"{text[: one.start()]}{other[0]}{between}{one[0]}{text[other.end() :]}"


def without_question(text: str, _: Draws) -> str | None:
    """Leave out the sentences that ask."""
    told = [sentence for sentence in _SENTENCE.split(text) if not sentence.endswith("?")]
    return " ".join(told) if told else None


def with_remark(text: str, draws: Draws) -> str:
    """Add a remark on what was done with the text."""
    return draws.choice(
        "remark",
        (
            f"{text}\n\nNote: all numbers are those of the question.",
            f"{text}\n\nI have kept the numbers as they were.",
        ),
    )


def with_persona_named(text: str, draws: Draws) -> str:
    """Address the reader as a persona."""
    return draws.choice(
        "named", (f"Imagine you are a person of this kind. {text}", f"As the persona would tell it: {text}")
    )


def without_variable(text: str, _: Draws) -> str | None:
    """Remove a letter that stands for a number."""
    changed = _LETTER.sub("it", text, count=1)
    return changed if changed != text else None


def asked_again(text: str, _: Draws) -> str:
    """Write a question where a statement was asked for."""
    return f"Is it true that {text[:1].lower()}{text[1:].rstrip('.')}?"


def without_mark(text: str, _: Draws) -> str | None:
    """Remove the mark of the second part."""
    return text.replace("[Solution]\n", "", 1) if "[Solution]\n" in text else None


def with_attempt_named(text: str, draws: Draws) -> str | None:
    """A solution that mentions the attempt."""
    if "[Solution]\n" not in text:
        return None
    named = draws.choice(
        "named", ("The attempt was wrong here. ", "Unlike your solution, this one is right. ")
    )
    return text.replace("[Solution]\n", f"[Solution]\n{named}", 1)
