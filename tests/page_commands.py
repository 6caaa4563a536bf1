"""The commands that README, AGENTS, CONTRIBUTING and docs/ print, what they print beneath them, and why
some are not run.

A block says what it is: `sh` holds commands, `console` commands after `$ ` with their output, any other
language neither. A comment that ends on the line before a block marks its commands:

    <!-- not run: REASON -->
    <!-- not compared: REASON -->

or, where they differ, on one line for each, by their beginnings:

    <!-- not run:
    `dvc exp run`: REASON
    `jz3 push`: REASON
    -->
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "AGENTS.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
REASONS = (
    "needs a GPU", "needs a key", "needs the hub", "needs a server", "needs a cluster", "needs Docker",
    "needs an environment", "needs another run", "over a minute", "writes outside of the clone",
    "in another form", "on another page", "installs",
)  # fmt: skip
"""The beginnings of a reason for not running."""
NOT_RUN, NOT_COMPARED = "not run", "not compared"
MARK = re.compile(rf"<!-- ({NOT_RUN}|{NOT_COMPARED}):(.*?)-->", re.DOTALL)
OF_A_COMMAND = re.compile(r"^`(.+)`: (.+)$", re.MULTILINE)
ELSEWHERE = re.compile(r"on another page: (\S+\.md)$")
"""The reason of a command that another page has unchanged and that runs there."""
NAMED = re.compile(r"`((?:tests/|\.ci/)[\w/.]+)(?:::(\w+))?`")


@dataclass(frozen=True)
class Mark:
    kind: str
    begins: str
    """The beginning of the commands that it applies to; empty for all of the block."""
    reason: str


@dataclass(frozen=True)
class Command:
    typed: str
    printed: tuple[str, ...] = ()
    """The lines printed below it; none if the page shows none."""

    @property
    def alone(self) -> str:
        """What is typed, without the remark after it."""
        return re.split(r"\s+# ", self.typed)[0]


@dataclass(frozen=True)
class Block:
    line: int
    language: str
    commands: tuple[Command, ...]
    marks: tuple[Mark, ...]

    def of(self, command: Command, kind: str) -> list[Mark]:
        return [mark for mark in self.marks if mark.kind == kind and command.typed.startswith(mark.begins)]


def blocks(page: str) -> Iterator[Block]:
    """All fenced blocks of a page, in order."""
    lines = page.splitlines()
    number = 0
    while number < len(lines):
        fence = re.fullmatch(r" *(`{3,})(\w*)", lines[number])
        if not fence:
            number += 1
            continue
        end = next(n for n in range(number + 1, len(lines)) if lines[n].strip() == fence[1])
        before = "\n".join(lines[:number])
        yield Block(number + 1, fence[2], tuple(_commands(fence[2], lines[number + 1 : end])), _marks(before))
        number = end + 1


def _marks(before: str) -> tuple[Mark, ...]:
    """The marks in the comments at the end of a text."""
    found: list[Mark] = []
    while before.endswith("-->"):
        before, opening, inside = before.rpartition("<!--")
        if mark := MARK.fullmatch(opening + inside):
            each = OF_A_COMMAND.findall(mark[2])
            found += [Mark(mark[1], *one) for one in each] or [Mark(mark[1], "", mark[2].strip())]
        before = before.rstrip("\n")
    return tuple(found)


def _commands(language: str, lines: Sequence[str]) -> Iterator[Command]:
    if language == "sh":
        for line in _joined(lines):
            if line and not line.startswith("#"):
                yield Command(line)
    if language == "console":
        typed: str | None = None
        printed: list[str] = []
        for line in _joined(lines):
            if line.startswith("$ "):
                if typed:
                    yield Command(typed, tuple(printed))
                typed, printed = line[2:], []
            else:
                printed.append(line)
        if typed:
            yield Command(typed, tuple(printed))


def _joined(lines: Sequence[str]) -> list[str]:
    """Join a line that ends with a backslash to the next one."""
    return re.sub(r"\\\n\s*", "", "\n".join(lines)).split("\n")


def agrees(printed: Sequence[str], said: Sequence[str]) -> bool:
    """Whether a page shows what was printed: a line `...` stands for any lines, `...` at the end of a line
    for the rest of it.
    """
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "..." else _line_pattern(line) + r"\n" for line in printed
    )
    return re.fullmatch(pattern, "".join(f"{line.rstrip()}\n" for line in said)) is not None


def _line_pattern(line: str) -> str:
    cut = line.rstrip().removesuffix("...")
    return re.escape(cut) + (".*" if cut != line.rstrip() else "")
