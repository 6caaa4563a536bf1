"""The command that writes rows in the form of a trainer or a service."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from jz3.cli.completing import models_and_files
from jz3.cli.output import Json, show


class FormatName(StrEnum):
    """The formats of `jz3.export.formats`; a test checks that the two lists agree."""

    VERL = "verl"
    TRL_GRPO = "trl-grpo"
    TRL_SFT = "trl-sft"
    NEMO_RL = "nemo-rl"
    NEMO_GYM = "nemo-gym"
    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    LM_EVAL = "lm-eval"
    SHAREGPT = "sharegpt"


def export(
    form: Annotated[FormatName, typer.Argument(metavar="FORMAT", help=", ".join(FormatName))],
    table: Annotated[
        str | None,
        typer.Argument(
            help="a model, a table, a folder of `jz3 curate`, or a file; by default the first model's set",
            autocompletion=models_and_files,
        ),
    ] = None,
    *,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="the output folder; a foreign one is never overwritten")
    ],
    json: Json = False,
) -> None:
    """Write a training set or a file of your own in the form that a trainer reads, with answers and licences.

    Example: jz3 export verl jiuzhang -o verl
    """
    from jz3.core.errors import UserError
    from jz3.core.remedies import repository_of
    from jz3.export.export import REJECTED_LINES, account_shown
    from jz3.export.export import export as written
    from jz3.export.formats import FORMATS
    from jz3.export.sources import exported
    from jz3.raw.given import must_be_outside

    here = table is not None and os.path.isfile(table)  # noqa: PTH113 (`Path.is_file` raises for one too long)
    if table is not None and here:
        must_be_outside(Path(table), out)
    found = exported(table, repository_of(Path.cwd()))
    manifest = written(found.rows, found.table, FORMATS[form.value], out)
    show(f"{account_shown(manifest)}\n{out}", manifest.model_dump(), json=json)
    if not manifest.rows.kept:
        raise UserError(
            f"no row of {manifest.table} was written; one or more were expected. {out / REJECTED_LINES} "
            f"names the rule that each of its {manifest.rows.read} rows broke; docs/export.md says what each "
            f"form needs."
        )
