"""Vocabulary that several tables share."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import StringConstraints

LEVELS = ("grade", "middle", "high", "college", "amc8", "amc10", "amc12", "aime")
"""Levels with a template and families of problems here: four stages of school and four contests (paper,
method figure). Users can add levels: a template of their own, named in `compose.levels`.
"""
LEVEL_NAME = r"^[a-z][a-z0-9_-]*$"
"""Pattern of any level's name, which is also the name of its template's file."""

Level = Annotated[str, StringConstraints(pattern=LEVEL_NAME)]


def in_order(levels: Iterable[str]) -> list[str]:
    """Levels without repeats: first those of LEVELS in that order, then others by name."""
    places = {level: place for place, level in enumerate(LEVELS)}
    return sorted(set(levels), key=lambda level: (places.get(level, len(LEVELS)), level))


KINDS = ("cot", "tool")
"""Natural-language reasoning, or a program with its output."""

PromptForm = Literal["full", "compact"]
"""Contents of a prompt: all instructions of its template, for a teacher; or only level, kind and passage, for
a model that was trained to follow them.
"""

PROMPT_FORMS: tuple[PromptForm, ...] = ("full", "compact")
