r"""`Task: rephrase`: a question of a family in another of its wordings, with the same values.

    Task: rephrase
    ...
    ### Question
    (the question)

    ### Question in other words

The key of the request draws the wording, and in one of three rewordings a number that is then in words.
Only a wording that states no other numbers of its own (`from 1 to ...`) is taken. What no family words so
is left alone, and the writer says so.
"""

import re
from functools import cache
from string import Formatter

from jz3.writer.draws import Draws
from jz3.writer.family import Family, Values
from jz3.writer.refusal import Refused
from jz3.writer.tasks.number_words import in_words, places, read_words

DATA = re.compile(r"^### Question\n(.*)\n### Question in other words\s*\Z", re.MULTILINE | re.DOTALL)
NOT_KNOWN = "I do not know questions of this kind and cannot put this one in other words."
_OWN = re.compile(
    r"\d+|\b(?:two|three|four|five|six|seven|eight|nine|ten|half|twice|dozen|pair)\b", re.IGNORECASE
)


def rephrase(prompt: str, key: str) -> str:
    """The answer to a prompt of this task. Raises Refused for one without its headings."""
    asked = DATA.search(prompt)
    if asked is None:
        raise Refused(
            400,
            "unreadable_prompt",
            "a prompt of the task 'rephrase' has '### Question' and ends '### Question in other words'",
        )
    return reworded(asked[1].strip(), key)


def reworded(question: str, key: str) -> str:
    """Another wording; NOT_KNOWN if no family words the question."""
    reading = read_words(question)
    if reading is None:
        return NOT_KNOWN
    family, values, draws = reading.family, reading.values, Draws(key)
    own = _wording_of(family, values, question)
    others = tuple(
        wording
        for wording in family.wordings
        if wording != own and _fields(wording) <= set(values.drawn) and _numbers(wording) == _numbers(own)
    )
    text = (draws.choice("wording", others) if others else own).format(**values.drawn)
    worded = tuple(places(text))
    if worded and (not others or draws.whole("words", 1, 3) == 1):
        return in_words(text, draws.choice("number", worded))
    return text


def _wording_of(family: Family, values: Values, question: str) -> str:
    """The wording of a question; if a number is in words, the first one that its values fit."""
    plain = " ".join(question.split())
    filled = [wording for wording in family.wordings if _fields(wording) <= set(values.drawn)]
    return next((one for one in filled if one.format(**values.drawn) == plain), filled[0])


@cache
def _fields(wording: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(wording) if name is not None}


@cache
def _numbers(wording: str) -> list[str]:
    """The numbers that a wording states outside its fields."""
    literals = [literal for literal, _, _, _ in Formatter().parse(wording)]
    return sorted(found.lower() for literal in literals for found in _OWN.findall(literal))
