r"""Errors in a program, and around it.

Each function returns the text with an error, or None if it has nothing to put it in.
"""

import re

from jz3.writer.draws import Draws

_PROGRAM = re.compile(r"^```python\n(.*?)\n```$", re.DOTALL | re.MULTILINE)
_OPERATION = re.compile(r"(?<= )(?:[*+-]|//?)(?= )")
_OTHERS = {"+": "-", "-": "+", "*": "+", "/": "*", "//": "*"}
_ASSIGNED = re.compile(r"^(\w+) = (?=.)", re.MULTILINE)
_LITERAL = re.compile(r"(?<= = )\d+$", re.MULTILINE)
_PRINTED = re.compile(r"^print\((?=.)", re.MULTILINE)
_NO_COMPUTATION = re.compile(r'^\s*(?:#|"""|from |import |def )')
LARGEST_CHANGE = 9
"""The largest change of a number (chosen: one digit)."""


def failing(text: str, draws: Draws) -> str | None:
    """A program that ends in an error: an unclosed bracket, an undefined name, a division by zero."""
    found = _PROGRAM.search(text)
    printed = list(_PRINTED.finditer(found[1])) if found else []
    if not found or not printed:
        return None
    code, place = found[1], printed[-1].end()
    assigned = list(_ASSIGNED.finditer(code))
    how = draws.choice("failure", ("bracket", "name", "zero"))
    if how == "name" and assigned:
        name = assigned[draws.whole("name", 0, len(assigned) - 1)]
        code = f"{code[: name.start()]}{name[1]}_new{code[name.end(1) :]}"
    elif how == "zero":
        code = f"{code[:place]}1 // 0 + {code[place:]}"
    else:
        code = code.rstrip().removesuffix(")")
    return f"{text[: found.start(1)]}{code}{text[found.end(1) :]}"


def wrong(text: str, draws: Draws) -> str | None:
    """A program with another operation or, if it has none, with another number."""
    found = _PROGRAM.search(text)
    if not found:
        return None
    code = found[1]
    spoilt = _spoilt(code, draws)
    return None if spoilt is None else f"{text[: found.start(1)]}{spoilt}{text[found.end(1) :]}"


def _spoilt(code: str, draws: Draws) -> str | None:
    places: list[tuple[int, int, str]] = []
    start = 0
    for line in code.splitlines(keepends=True):
        if not _NO_COMPUTATION.match(line):
            places += [
                (start + one.start(), start + one.end(), _OTHERS[one[0]]) for one in _OPERATION.finditer(line)
            ]
        start += len(line)
    off = draws.whole("change", 1, LARGEST_CHANGE)
    places = places or [(*one.span(), str(int(one[0]) + off)) for one in _LITERAL.finditer(code)]
    if not places:
        return None
    begin, end, other = places[draws.whole("place", 0, len(places) - 1)]
    return f"{code[:begin]}{other}{code[end:]}"


def with_own_output(text: str, draws: Draws) -> str | None:
    """A program that should be run, followed by an output that the writer made up, and an answer."""
    if "```output" in text or not text.endswith("```") or not _PROGRAM.search(text):
        return None
    number = draws.whole("output", 2, 999)
    return f"{text}\n```output\n{number}\n```\nThe answer is \\boxed{{{number}}}."


def copying(answer: str) -> str:
    """A program that computes nothing."""
    return f"The answer can be printed at once.\n```python\nanswer = {answer}\nprint(answer)\n```"
