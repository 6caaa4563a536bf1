"""The closed word lists that several tables share."""

from typing import Literal, get_args

Level = Literal["grade", "middle", "high", "college", "amc8", "amc10", "amc12", "aime"]

LEVELS: tuple[Level, ...] = get_args(Level)
"""Eight levels of natural-language prompts: four stages of school, four contests (paper, method figure)."""

KINDS = ("cot", "tool")
"""Natural-language reasoning, or a program with its output."""

PromptForm = Literal["full", "compact"]
"""What a prompt holds: all instructions of its template, which a teacher needs; or level, kind and passage
alone, for a model that was trained to follow them.
"""

PROMPT_FORMS: tuple[PromptForm, ...] = ("full", "compact")
