"""The help of `jz3` itself: its commands under their headings.

It is drawn here with only the parts of rich that it needs: typer's own page first loads Markdown, a
highlighter and tracebacks, which takes longer than everything else that `jz3 --help` does.
"""

from collections import defaultdict
from collections.abc import Iterable
from inspect import cleandoc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typer import Context
    from typer.core import TyperGroup

MAX_WIDTH = 100
"""Columns (chosen: longer lines are hard to read); a narrower terminal uses its own width."""


def show_overview(group: "TyperGroup", context: "Context") -> None:
    """Print usage, options and commands; only a terminal gets colours."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    console.width = min(console.width, MAX_WIDTH)
    usage = Text(group.get_usage(context), style="bold")
    console.print(Padding(usage, 1), Padding(Text(cleandoc(group.help or "")), (0, 1, 1, 1)))
    sections = _sections(group, context)
    longest = max(len(name) for name in group.commands)
    for heading, rows in sections.items():
        table = Table.grid(padding=(0, 2))
        table.add_column(style="bold cyan", min_width=longest, no_wrap=True)
        table.add_column()
        for name, text in rows:
            table.add_row(Text(name), Text(text))
        console.print(Panel(table, title=heading, title_align="left", border_style="dim"))


def _sections(group: "TyperGroup", context: "Context") -> dict[str, list[tuple[str, str]]]:
    """For each heading its commands with their summaries, in the order in which they were added."""
    options = [record for option in group.get_params(context) if (record := option.get_help_record(context))]
    found: dict[str, list[tuple[str, str]]] = defaultdict(list, Options=options)
    for name, command in group.commands.items():
        heading: str = getattr(command, "rich_help_panel", None) or "Commands"
        found[heading].append((name, _first_paragraph((command.help or "").splitlines())))
    return found


def _first_paragraph(lines: Iterable[str]) -> str:
    return " ".join("\n".join(line.strip() for line in lines).strip().split("\n\n")[0].split())
