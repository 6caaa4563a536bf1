"""The command that grades files of answers and compares them."""

from pathlib import Path
from typing import Annotated

import typer

from jz3.cli.output import Json, remark, show
from jz3.cli.root import root
from jz3.core.errors import UserError


def grade(
    files: Annotated[
        list[Path],
        typer.Argument(help="answers: own rows, lm-eval samples, verl, OpenAI batch output; - is stdin"),
    ],
    *,
    gold: Annotated[
        Path | None, typer.Option("--gold", help="the right answers, in the form of public files")
    ] = None,
    field: Annotated[str | None, typer.Option("--field", help="the answer field")] = None,
    gold_field: Annotated[
        str | None, typer.Option("--gold-field", help="the field of the right answers")
    ] = None,
    identity: Annotated[str | None, typer.Option("--id", help="the field by which files are joined")] = None,
    benchmark: Annotated[
        str | None,
        typer.Option("--benchmark", help="the benchmark whose rules apply, such as aqua for letters"),
    ] = None,
    responses: Annotated[
        bool | None,
        typer.Option(
            "--responses/--answers", help="whole responses or bare answers; guessed from the texts by default"
        ),
    ] = None,
    table: Annotated[
        Path | None, typer.Option("--table", help="write each item with its extracted answer, as JSON lines")
    ] = None,
    json: Json = False,
) -> None:
    """Grade answers, with intervals, and say whether several files differ. stderr says how files are read.

    Example: jz3 grade a.jsonl b.jsonl --gold gsm8k/test.jsonl
    """
    from jz3.core.placing import placed_file
    from jz3.evaluation.answer_files import STDIN, Fields, read_file
    from jz3.evaluation.compare import compare
    from jz3.evaluation.compare_shown import as_document, as_lines, as_text

    if [*files, gold].count(STDIN) > 1:
        raise UserError("- is given twice; stdin can be read only once. Give a file for the other.")
    right = read_file(gold, Fields(gold=gold_field, identity=identity)) if gold else None
    fields = Fields(field, None if gold else gold_field, identity)
    found = compare([read_file(file, fields) for file in files], right, benchmark, whole=responses)
    for note in found.notes:
        remark(note)
    if table is not None:
        lines = as_lines(found).encode()
        with placed_file(table, lambda path: _other(path, lines)) as part:
            part.write_bytes(lines)
    show(as_text(found), as_document(found), json=json)


def regrade(
    revision: Annotated[str, typer.Argument(help="a commit, tag, branch or experiment that has responses")],
    folder: Annotated[Path, typer.Argument(help="folder for the new grades, a .parquet file for each model")],
    *,
    json: Json = False,
) -> None:
    """Grade the responses of an older run by today's rules; no model is asked.

    Example: jz3 regrade v1 /tmp/regraded
    """
    from jz3.core.params import PARAMS_FILE, load_params
    from jz3.evaluation.grade import GradeParams
    from jz3.graph.regrade import as_rows, as_text
    from jz3.graph.regrade import regrade as grade_again

    place = root()
    found = grade_again(place, revision, folder, load_params(GradeParams, "grade", place / PARAMS_FILE))
    show(as_text(found), as_rows(found), json=json)


def _other(path: Path, content: bytes) -> str | None:
    """Why a file must not be replaced, or None if its bytes are the same.

    Nothing in such a table tells who wrote it.
    """
    return None if path.read_bytes() == content else "holds rows other than those to be written"
