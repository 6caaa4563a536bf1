"""The words that several tables share."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import StringConstraints

LEVELS = ("grade", "middle", "high", "college", "amc8", "amc10", "amc12", "aime")
"""Levels with a template and families of problems here: four stages of school, four contests (paper, method
figure). Others are data: a template of one's own, named in `compose.levels`.
"""
LEVEL_NAME = r"^[a-z][a-z0-9_-]*$"
"""Of any level: it names the file of its template."""

Level = Annotated[str, StringConstraints(pattern=LEVEL_NAME)]


def in_order(levels: Iterable[str]) -> list[str]:
    """Without repeats: those of LEVELS as they stand there, then others by name."""
    places = {level: place for place, level in enumerate(LEVELS)}
    return sorted(set(levels), key=lambda level: (places.get(level, len(LEVELS)), level))


KINDS = ("cot", "tool")
"""Natural-language reasoning, or a program with its output."""

PromptForm = Literal["full", "compact"]
"""What a prompt holds: all instructions of its template, which a teacher needs; or level, kind and passage
alone, for a model that was trained to follow them.
"""

PROMPT_FORMS: tuple[PromptForm, ...] = ("full", "compact")
