"""Results on stdout: lines for people, or one JSON document for scripts."""

import json as encoder
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="one JSON document, for scripts")]


def show(text: str, document: object, *, json: bool) -> None:
    """Print the one that was asked for; no text prints no line."""
    if json:
        typer.echo(encoder.dumps(document, indent=2, ensure_ascii=False))
    elif text:
        typer.echo(text)
