"""Results on stdout: lines for people, or one JSON document for scripts."""

import json as encoder
from typing import Annotated

import typer

from jz3.core.terminal import is_quiet, printable

Json = Annotated[bool, typer.Option("--json", help="one JSON document, for scripts")]


def say(text: str) -> None:
    """Print a text of models or users: codes for a terminal in it are shown, not obeyed."""
    typer.echo(printable(text))


def remark(text: str) -> None:
    """Tell who waits what is done or guessed, on stderr; nothing under `-q`."""
    if not is_quiet():
        typer.echo(printable(text), err=True)


def show(text: str, document: object, *, json: bool) -> None:
    """Print the one that was asked for; no text prints no line."""
    if json:
        say(encoder.dumps(document, indent=2, ensure_ascii=False))
    elif text:
        say(text)
