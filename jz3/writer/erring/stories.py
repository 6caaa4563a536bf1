r"""Errors in a told problem, and in a copy of a solution with hidden values.

Each function returns the text with an error, or None if it has nothing to put it in.
"""

import re

from jz3.writer.draws import Draws

_SENTENCE = re.compile(r"(?<=\.) (?=[A-Z])")
_NAMED = re.compile(r"(?:this is|Call this) the ([a-z ]+)\.")
_REFERENCE = re.compile(
    r"(?<!this is )(?<!Call this )\bthe [a-z ]+?(?= (?:to|by|and|at|with|percent|for)\b|[,.;])"
)
_FUNCTION = re.compile(r"^def (\w+_\w+)\(", re.MULTILINE)
_LETTER = re.compile(r"(?<![A-Za-z\\])[M-Z](?![A-Za-z])")
OPERATIONS = (
    ("adds", "multiplies"),
    ("are added", "are multiplied"),
    ("multiplied by", "divided by"),
    ("divided by", "multiplied by"),
    ("gives away", "finds"),
    ("and finds", "and gives away"),
    ("spends", "gets"),
    ("percent of", "times"),
    ("in each bag", "in all bags"),
    ("long and", "around and"),
)
"""Words for an operation, with words for another (chosen: from sentences of the writer and of models)."""


def sentence_left_out(text: str, draws: Draws) -> str | None:
    """Leave out one of the sentences that tell."""
    sentences = _SENTENCE.split(text)
    if len(sentences) < 2:
        return None
    gone = draws.whole("sentence", 0, len(sentences) - 2)
    return " ".join(sentences[:gone] + sentences[gone + 1 :])


def unclear_reference(text: str, draws: Draws) -> str | None:
    """Replace the name of a result by `it`."""
    names = set(_NAMED.findall(text))
    found = [one for one in _REFERENCE.finditer(text) if one[0].removeprefix("the ") in names]
    if not found:
        return None
    one = found[draws.whole("reference", 0, len(found) - 1)]
    return f"{text[: one.start()]}it{text[one.end() :]}"


def other_operation(text: str, draws: Draws) -> str | None:
    """Let a sentence tell another operation."""
    there = [(one, other) for one, other in OPERATIONS if one in text]
    return None if not there else text.replace(*there[draws.whole("operation", 0, len(there) - 1)], 1)


def other_result_asked(text: str, draws: Draws) -> str | None:
    """Ask for an intermediate result."""
    names = _NAMED.findall(text)
    before, mark, asked = text.rpartition(". ")
    if len(names) < 2 or names[-1] not in asked:
        return None
    other = names[draws.whole("asked", 0, len(names) - 2)]
    return f"{before}{mark}{asked.replace(names[-1], other)}"


def code_shown(text: str, prompt: str, draws: Draws) -> str | None:
    """Put the name of a function into the story."""
    names = _FUNCTION.findall(prompt)
    return None if not names else f"{text} (This is {names[draws.whole('function', 0, len(names) - 1)]}.)"


def value_left(copy: str, solution: str, draws: Draws) -> str | None:
    """Show one hidden value. `solution` is the solution whose values `copy` hides."""
    ours, theirs = copy.split(" "), solution.split(" ")
    hidden = [
        place
        for place, (one, other) in enumerate(zip(ours, theirs, strict=False))
        if one != other and _LETTER.search(one)
    ]
    if not hidden:
        return None
    place = hidden[draws.whole("value", 0, len(hidden) - 1)]
    return " ".join([*ours[:place], theirs[place], *ours[place + 1 :]])


def answer_shown(copy: str, answer: str, _: Draws) -> str:
    """Add the answer at the end."""
    return f"{copy}\nSo it is {answer}."


def data_lost(copy: str, question: str, draws: Draws) -> str | None:
    """Remove a number of the question."""
    stated = set(re.findall(r"\d+", question))
    found = [one for one in re.finditer(r"(?<![\w.\\^{/])\d+(?![\w/]|\.\d)", copy) if one[0] in stated]
    lost = found[draws.whole("lost", 0, len(found) - 1)][0] if found else None
    return None if lost is None else re.sub(rf"(?<![\w.\\^{{/]){lost}(?![\w/]|\.\d)", "some", copy)


def letters_mixed(copy: str, _: Draws) -> str | None:
    """Swap two letters."""
    letters = list(dict.fromkeys(_LETTER.findall(copy)))
    if len(letters) < 2:
        return None
    swapped = {letters[0]: letters[1], letters[1]: letters[0]}
    return _LETTER.sub(lambda one: swapped.get(one[0], one[0]), copy)
