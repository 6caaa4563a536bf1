"""Commands that curate a file of your own: all steps, or a single one."""

import shutil
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from jz3.cli.output import Json, remark, show

File = Annotated[
    str,
    typer.Argument(
        help="rows: JSONL, JSON, CSV, parquet, plain or compressed; hf://datasets/OWNER/NAME; - is stdin"
    ),
]
Folder = Annotated[
    Path, typer.Option("--out", "-o", help="the output folder; a foreign one is never overwritten")
]
ProblemField = Annotated[str | None, typer.Option("--problem", help="the problem field; guessed by default")]
SolutionField = Annotated[
    str | None, typer.Option("--solution", help="the solution field; guessed by default")
]
Against = Annotated[
    list[str] | None, typer.Option("--against", help="a file with a benchmark's items; repeat for more")
]


def curate(
    file: File,
    out: Folder,
    *,
    problem: ProblemField = None,
    solution: SolutionField = None,
    against: Against = None,
    json: Json = False,
) -> None:
    """Run programs, judge form, drop repeats and benchmark items; leave rows, rejects, certificate and card.

    Example: jz3 curate mine.jsonl --against gsm8k/test.jsonl -o curated
    """
    _curate(file, out, ("execute", "filter", "dedup", "decontaminate"), problem, solution, against, json=json)


def dedup(file: File, out: Folder, *, problem: ProblemField = None, json: Json = False) -> None:
    """Drop problems that repeat another one, exactly or nearly.

    Example: jz3 dedup mine.jsonl -o distinct
    """
    _curate(file, out, ("dedup",), problem, None, None, json=json)


def decontaminate(
    file: File, out: Folder, against: Against, *, problem: ProblemField = None, json: Json = False
) -> None:
    """Drop problems that repeat an item of a benchmark, and certify what was compared.

    Example: jz3 decontaminate mine.jsonl --against gsm8k/test.jsonl -o clean
    """
    _curate(file, out, ("decontaminate",), problem, None, against, json=json)


def filter_(
    file: File,
    out: Folder,
    *,
    problem: ProblemField = None,
    solution: SolutionField = None,
    json: Json = False,
) -> None:
    """Drop problems whose text or solution breaks a rule of form.

    Example: jz3 filter mine.jsonl -o well-formed
    """
    _curate(file, out, ("filter",), problem, solution, None, json=json)


def execute(
    file: File,
    out: Folder,
    *,
    problem: ProblemField = None,
    solution: SolutionField = None,
    json: Json = False,
) -> None:
    """Run the programs of solutions in the sandbox, and drop those that fail or print another answer.

    Example: jz3 execute mine.jsonl -o running
    """
    _curate(file, out, ("execute",), problem, solution, None, json=json)


def _curate(
    file: str,
    out: Path,
    steps: Sequence[str],
    problem: str | None,
    solution: str | None,
    against: Sequence[str] | None,
    *,
    json: bool,
) -> None:
    from jz3.cli.compiling import compiling_is_said
    from jz3.public.curate_file import Wanted, account, curate_file

    wanted = Wanted(steps, problem, solution, against or ())
    with _of_stdin(file) as found, compiling_is_said():
        manifest = curate_file(found, out, wanted, remark)
    show(f"{account(manifest)}\n{out}", manifest.model_dump(), json=json)


@contextmanager
def _of_stdin(file: str) -> Generator[str]:
    """The file itself; for `-` a temporary file with the JSON lines of stdin."""
    if file != "-":
        yield file
        return
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "stdin.jsonl"
        with lines.open("wb") as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
        yield str(lines)
