"""The prompt templates of `data/prompts/`, read once and checked.

full/cot/LEVEL.md     what the teacher reads: instructions, then `{passage}`
full/tool.md          the same for programs, with `{level}` and a worked `{example}`
demonstrations/*.md   the examples
compact/KIND.md       what a small student reads: only `{level}` and `{passage}`

A placeholder occurs once in its template and is replaced only there: a passage may contain the same
characters.
"""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass

from jz3.core.artifacts import InFiles
from jz3.core.errors import UserError
from jz3.tables.words import KINDS

log = logging.getLogger(__name__)

PLACEHOLDER = re.compile(r"\{(passage|level|example)\}")


class TemplateError(UserError):
    """A template is missing or lacks a placeholder."""


@dataclass(frozen=True)
class Templates:
    """The texts of the templates."""

    cot: dict[str, str]
    """Templates by level."""
    tool: str
    compact: dict[str, str]
    """Templates by kind."""
    demonstrations: tuple[str, ...]

    def full_prompt(self, level: str, kind: str, passage: str, demonstration: int) -> str:
        """What the teacher reads. `demonstration` chooses an example for the tool template, modulo their
        number.
        """
        example = self.demonstrations[demonstration % len(self.demonstrations)]
        template = self.tool if kind == "tool" else self.cot[level]
        return filled(template, {"level": level, "passage": passage, "example": example})

    def compact_prompt(self, level: str, kind: str, passage: str) -> str:
        """What a small student reads."""
        return filled(self.compact[kind], {"level": level, "passage": passage})


def filled(template: str, values: dict[str, str]) -> str:
    """The template with each placeholder replaced, in one pass."""
    return PLACEHOLDER.sub(lambda found: values[found[1]], template)


def read_templates(directory: InFiles, levels: Sequence[str]) -> Templates:
    """The templates of these levels. Raises TemplateError if one is missing or wrong."""
    there = {file.stem for file in directory.matching("full/cot/*.md")}
    if unused := sorted(there - set(levels)):
        log.info("compose.levels names no level %s: its template is not used", ", ".join(unused))
    return Templates(
        cot={level: _read(directory, f"full/cot/{level}.md", ["passage"]) for level in levels},
        tool=_read(directory, "full/tool.md", ["level", "example", "passage"]),
        compact={kind: _read(directory, f"compact/{kind}.md", ["level", "passage"]) for kind in KINDS},
        demonstrations=_demonstrations(directory),
    )


def _demonstrations(directory: InFiles) -> tuple[str, ...]:
    texts = tuple(file.read_text().strip() for file in directory.matching("demonstrations/*.md"))
    if not texts:
        raise TemplateError(
            f"{directory.path}/demonstrations holds no .md file; worked examples for the tool prompt were "
            f"expected. Restore them with `git checkout {directory.path}`."
        )
    return texts


def _read(directory: InFiles, name: str, placeholders: list[str]) -> str:
    file = directory.path / name
    if not file.is_file():
        raise TemplateError(
            f"template {file} does not exist; a Markdown file with {placeholders} was expected. "
            f"Restore it with `git checkout {file}`."
        )
    text = file.read_text()
    found = sorted(PLACEHOLDER.findall(text))
    if found != sorted(placeholders):
        raise TemplateError(
            f"template {file} has the placeholders {found}; {sorted(placeholders)}, each once, was expected."
        )
    return text
