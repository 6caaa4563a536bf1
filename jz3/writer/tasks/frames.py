"""Sentences that set a question in somebody's life: put in front of it, and removed again.

None of these sentences contains a number, and none changes what is asked.
"""

import re

from jz3.writer.draws import Draws

FRAMES = (
    "{Persona} has to work this out.",
    "{Persona} writes this down in the evening.",
    "This comes up in the life of {persona}.",
    "A friend asks {persona} for help with this.",
    "{Persona} explains this to a neighbor.",
    "One day {persona} wonders about this.",
)
_FRAME = re.compile(
    "|".join(
        r"[^.?!\n]+".join(map(re.escape, re.split(r"\{[Pp]ersona\}", frame))) + r"\s+" for frame in FRAMES
    )
)


def framed(question: str, persona: str, key: str) -> str:
    """A question after a sentence about a persona, drawn by the key. A persona is a phrase or a sentence."""
    phrase = " ".join(persona.split()).rstrip(".?! ")
    first, _, rest = phrase.partition(" ")
    if first in ("A", "An", "The"):
        phrase = f"{first.lower()} {rest}"
    frame = Draws(key).choice("frame", FRAMES)
    return f"{frame.format(persona=phrase, Persona=phrase[:1].upper() + phrase[1:])} {question}"


def without_frame(question: str) -> str:
    """The question without its frame; unchanged if it has none."""
    found = _FRAME.match(question.lstrip())
    return question if found is None else question.lstrip()[found.end() :]
