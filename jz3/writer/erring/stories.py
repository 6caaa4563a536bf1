r"""What goes wrong in a told problem, and in a copy of a solution with its values hidden. Each function gives
the text spoilt, or None where there is nothing to spoil.
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
"""Words of an operation, and others for them (chosen: those of the sentences of the writer and of models)."""


def sentence_left_out(text: str, draws: Draws) -> str | None:
    """One of the sentences that tell is missing."""
    sentences = _SENTENCE.split(text)
    if len(sentences) < 2:
        return None
    gone = draws.whole("sentence", 0, len(sentences) - 2)
    return " ".join(sentences[:gone] + sentences[gone + 1 :])


def unclear_reference(text: str, draws: Draws) -> str | None:
    """`it` stands for the name of a result."""
    names = set(_NAMED.findall(text))
    found = [one for one in _REFERENCE.finditer(text) if one[0].removeprefix("the ") in names]
    if not found:
        return None
    one = found[draws.whole("reference", 0, len(found) - 1)]
    return f"{text[: one.start()]}it{text[one.end() :]}"


def other_operation(text: str, draws: Draws) -> str | None:
    """A sentence tells another operation."""
    there = [(one, other) for one, other in OPERATIONS if one in text]
    return None if not there else text.replace(*there[draws.whole("operation", 0, len(there) - 1)], 1)


def other_result_asked(text: str, draws: Draws) -> str | None:
    """The question is for a result on the way."""
    names = _NAMED.findall(text)
    before, mark, asked = text.rpartition(". ")
    if len(names) < 2 or names[-1] not in asked:
        return None
    other = names[draws.whole("asked", 0, len(names) - 2)]
    return f"{before}{mark}{asked.replace(names[-1], other)}"


def code_shown(text: str, prompt: str, draws: Draws) -> str | None:
    """The name of a function stands in the story."""
    names = _FUNCTION.findall(prompt)
    return None if not names else f"{text} (This is {names[draws.whole('function', 0, len(names) - 1)]}.)"


def value_left(copy: str, solution: str, draws: Draws) -> str | None:
    """One hidden value is shown. `solution` is what the copy hides values of."""
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
    """The answer stands at the end."""
    return f"{copy}\nSo it is {answer}."


def data_lost(copy: str, question: str, draws: Draws) -> str | None:
    """A number of the question is gone."""
    stated = set(re.findall(r"\d+", question))
    found = [one for one in re.finditer(r"(?<![\w.\\^{/])\d+(?![\w/]|\.\d)", copy) if one[0] in stated]
    lost = found[draws.whole("lost", 0, len(found) - 1)][0] if found else None
    return None if lost is None else re.sub(rf"(?<![\w.\\^{{/]){lost}(?![\w/]|\.\d)", "some", copy)


def letters_mixed(copy: str, _: Draws) -> str | None:
    """Two letters have changed places."""
    letters = list(dict.fromkeys(_LETTER.findall(copy)))
    if len(letters) < 2:
        return None
    swapped = {letters[0]: letters[1], letters[1]: letters[0]}
    return _LETTER.sub(lambda one: swapped.get(one[0], one[0]), copy)
