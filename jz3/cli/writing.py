"""Commands that write problems from texts of your own, in a small project with its own graph."""

from pathlib import Path
from typing import Annotated

import typer

from jz3.cli.output import Json, show

Corpus = Annotated[
    Path, typer.Argument(help="a folder or a file of texts: JSONL, Markdown, LaTeX, HTML, PDF, ...")
]
Levels = Annotated[
    list[str] | None,
    typer.Option(
        "--level",
        help="grade, middle, high, college, amc8, amc10, amc12, aime, or your own; by default all eight",
    ),
]
Provider = Annotated[
    str | None, typer.Option("--provider", help="writer (built in, no LLM), openai, azure or vllm")
]
Model = Annotated[str | None, typer.Option("--model", help="the teacher's name at its provider")]
Against = Annotated[
    list[Path] | None, typer.Option("--against", help="a file with a benchmark's items; repeat for more")
]


def init(
    folder: Annotated[Path, typer.Argument(help="the folder to make; an existing one must be empty")],
    corpus: Corpus,
    *,
    levels: Levels = None,
    provider: Provider = None,
    model: Model = None,
    against: Against = None,
    json: Json = False,
) -> None:
    """Make a project for texts of your own: a graph of five stages, with parameters and templates to edit.

    Example: jz3 init written texts/ --level high
    """
    from jz3.core.errors import UserError
    from jz3.project.project import Order, is_project
    from jz3.project.write import begin

    if is_project(folder):
        raise UserError(f"{folder} is already a project; a new folder was expected. Edit its params.yaml.")
    begin(folder, corpus, tuple(against or ()), Order(None, levels or (), provider, model))
    show(
        f"{folder}/params.yaml says what is made, {folder}/prompts/ how the teacher is asked.\n"
        f"Next: jz3 write {corpus} --out {folder} --n 1000 --limit 20",
        {"project": str(folder)},
        json=json,
    )


def write(
    corpus: Corpus,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="the project's folder, created if missing")],
    n: Annotated[int, typer.Option("--n", min=1, help="problems wanted, one for each passage of the texts")],
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="a trial: ask for only this many")
    ] = None,
    levels: Levels = None,
    provider: Provider = None,
    model: Model = None,
    against: Against = None,
    json: Json = False,
) -> None:
    """Have a teacher write problems from texts of your own, curate them, and show the cost.

    With --limit it is a trial. Its answers count towards the full run, so nothing is paid for twice.

    Example: jz3 write texts/ --n 1000 --level high --limit 20 -o written
    """
    from jz3.project.project import Order
    from jz3.project.write import begin, document, run, told

    order = Order(min(limit or n, n), levels or (), provider, model)
    begin(out, corpus, tuple(against or ()), order)
    written = run(out, n)
    show(told(written), document(written), json=json)
