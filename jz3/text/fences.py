r"""Code blocks between fences, as models write them.

They are read as in CommonMark (fences of three or more backticks or tildes, closed by one of the same mark
that is no shorter; any indentation, label and attributes), with extensions: a block with a known label may
open or close in the middle of a line, the opening of another block closes the one before it, and the end of
the text closes the last.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import dedent

PROGRAM_LABEL = re.compile(r"(?:i?python|py)\s?\d?(?:\.\d+)*", re.IGNORECASE)
OUTPUT_LABELS = frozenset({"output", "text", "plaintext", "txt", "console", "stdout", ""})
"""Labels of blocks that follow a program and show its output."""

_FENCE = re.compile(r"(?P<mark>`{3,}|~{3,})(?P<info>[^\n`]*)")
_LABEL = re.compile(r"\s*\{?\.?(?P<word>[\w+#-]*(?:\.\d+)*)")


@dataclass(frozen=True)
class Block:
    """A fenced block: `text[start:end]`, including its fences."""

    start: int
    end: int
    label: str
    """The first word after the opening fence, as written."""
    mark: str
    """The opening fence: its backticks or tildes."""
    body: str
    """The content, without the indentation that all its lines share."""
    closed: bool
    """False if the text ends before the block does."""

    @property
    def is_program(self) -> bool:
        """Whether it is labelled as Python or, without a label, prints something."""
        return bool(PROGRAM_LABEL.fullmatch(self.label)) or (not self.label and "print(" in self.body)

    @property
    def is_output(self) -> bool:
        """Whether it may show the output of a program before it."""
        return self.label.lower() in OUTPUT_LABELS and not self.is_program


def fenced_blocks(text: str) -> Iterator[Block]:
    """The blocks of a text, in order; they do not overlap."""
    opening: re.Match[str] | None = None
    place = 0
    while fence := _FENCE.search(text, place):
        place = fence.end()
        if opening is None:
            opening = fence if _opens(text, fence) else None
            continue
        ends = _ends(text, opening, fence)
        if not ends:
            continue
        another = _opens(text, fence) and bool(_label(fence))
        yield _block(
            text, opening, fence.start(), fence.start() if another else fence.end("mark"), closed=True
        )
        opening = fence if another else None
        place = fence.end() if another else fence.end("mark")
    if opening is not None:
        yield _block(text, opening, len(text), len(text), closed=False)


def without_blocks(text: str) -> str:
    """The prose of a text: everything outside its blocks."""
    parts: list[str] = []
    place = 0
    for block in fenced_blocks(text):
        parts.append(text[place : block.start])
        place = block.end
    return "".join([*parts, text[place:]])


def _opens(text: str, fence: re.Match[str]) -> bool:
    """Whether a fence opens a block: it ends its line, or its label is known."""
    if fence.end() < len(text) and text[fence.end()] != "\n":
        return False
    return _begins_line(text, fence) or _is_known(_label(fence))


def _ends(text: str, opening: re.Match[str], fence: re.Match[str]) -> bool:
    mark, opened = fence["mark"], opening["mark"]
    if mark[0] != opened[0] or len(mark) < len(opened):
        return False
    return _begins_line(text, fence) or (not fence["info"].strip() and _ends_line(text, fence))


def _begins_line(text: str, fence: re.Match[str]) -> bool:
    return not text[text.rfind("\n", 0, fence.start()) + 1 : fence.start()].strip()


def _ends_line(text: str, fence: re.Match[str]) -> bool:
    return fence.end() == len(text) or text[fence.end()] == "\n"


def _is_known(label: str) -> bool:
    return bool(PROGRAM_LABEL.fullmatch(label)) or label.lower() == "output"


def _label(fence: re.Match[str]) -> str:
    """The label; empty if words of prose follow the fence."""
    found = _LABEL.match(fence["info"])
    word = found["word"] if found else ""
    attached = (
        not fence["info"].startswith((" ", "\t")) or not fence["info"].strip().removeprefix(word).strip()
    )
    return word if attached or _is_known(word) else ""


def _block(text: str, opening: re.Match[str], end: int, whole: int, *, closed: bool) -> Block:
    body = text[opening.end() + 1 : end].replace("\r\n", "\n")
    first = next((line for line in body.split("\n") if line.strip()), "")
    indented = first.startswith((" ", "\t"))
    return Block(
        opening.start(), whole, _label(opening), opening["mark"], dedent(body) if indented else body, closed
    )
