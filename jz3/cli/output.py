"""Results on stdout: lines for people, or one JSON document for scripts."""

import json as encoder
import shutil
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from jz3.core.terminal import Table, is_quiet, printable

Json = Annotated[bool, typer.Option("--json", help="one JSON document, for scripts")]


def say(text: str) -> None:
    """Print a text that may come from models or users: terminal control codes in it are shown, not obeyed."""
    typer.echo(printable(text))


def remark(text: str) -> None:
    """Tell the user on stderr what is being done or guessed; silent under `-q`."""
    if not is_quiet():
        typer.echo(printable(text), err=True)


def show_blocks(blocks: Sequence[str | Table]) -> None:
    """Print texts and tables; a table is drawn with lines if stdout is a terminal of sufficient width."""
    for block in blocks:
        if isinstance(block, Table) and sys.stdout.isatty() and _fits(block):
            _draw(block)
        else:
            say(str(block))


LAST = 40
"""Least width in characters of a drawn table's last column if its texts are longer (chosen: it wraps)."""
BETWEEN = 3
"""Characters between two columns of a drawn table."""


def _fits(table: Table) -> bool:
    *widths, last = table.widths()
    needed = sum(widths) + min(last, LAST) + BETWEEN * len(widths) + 4
    return needed <= shutil.get_terminal_size().columns


def _draw(table: Table) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table as Drawn
    from rich.text import Text

    drawn = Drawn(box=box.ROUNDED, header_style="bold")
    for place, name in enumerate(table.head):
        words = place in table.words
        last = place == len(table.head) - 1
        drawn.add_column(name, justify="left" if words else "right", no_wrap=not last, overflow="fold")
    for row in table.rows:
        drawn.add_row(*(Text(printable(cell)) for cell in row))
    Console().print(drawn)


def show(text: str, document: object, *, json: bool) -> None:
    """Print the JSON document or the text, as requested; an empty text prints no line."""
    if json:
        say(encoder.dumps(document, indent=2, ensure_ascii=False))
    elif text:
        say(text)
