"""Runs a stage: its signature is its contract, and its command line follows from it."""

import argparse
import errno
import inspect
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

import polars as pl

from jz3.core.artifacts import In, InDirs, InMetrics, InPlots, InTables
from jz3.core.errors import UserError
from jz3.core.execution import Execution
from jz3.core.params import Params, load_params
from jz3.core.parent import end_with_parent

log = logging.getLogger(__name__)

Main = Callable[..., None]

SEVERAL = (InDirs, InMetrics, InPlots, InTables)
"""Handles whose flag takes several paths."""


@dataclass(frozen=True)
class Signature:
    """What a stage takes, reads and leaves, as its `main` declares it."""

    params: type[Params] | None
    execution: bool
    artifacts: dict[str, Any]

    @classmethod
    def of(cls, main: Main) -> "Signature":
        hints = inspect.get_annotations(main, eval_str=True)
        hints.pop("return", None)
        params = hints.pop("params", None)
        execution = hints.pop("execution", None) is not None
        return cls(params=params, execution=execution, artifacts=hints)

    def handle(self, name: str, paths: list[Path]) -> Any:  # noqa: ANN401 (whatever `main` declares)
        """The handle that `main` gets for an artifact, such as `In(Problem, path)`."""
        hint = self.artifacts[name]
        handle: Callable[..., Any] = get_origin(hint) or hint
        return handle(*get_args(hint), tuple(paths) if handle in SEVERAL else paths[0])


def run(main: Main) -> None:
    """Call `main` with its section of params.yaml and a handle for each path on the command line.

    A UserError, or a full disk, becomes one line and its exit status; everything else is a traceback.
    """
    end_with_parent()
    module = sys.modules[main.__module__]
    stage = Path(str(module.__file__)).stem
    signature = Signature.of(main)
    arguments = _parser(stage, str(module.__doc__), signature).parse_args()
    section = str(arguments.params)
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s {section} %(message)s", datefmt="%H:%M:%S")
    for library in ("httpx", "httpx2", "transformers", "openai", "urllib3", "filelock"):
        logging.getLogger(library).setLevel(logging.WARNING)
    started = time.monotonic()
    try:
        _call(main, _values(signature, section, arguments))
    except UserError as error:
        print(f"{section}: {error}", file=sys.stderr)  # noqa: T201 (this is the one place that speaks to users)
        sys.exit(error.exit_status)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        print(  # noqa: T201
            f"{section}: the disk is full at {error.filename or Path.cwd()}; nothing half-written was kept. "
            f"Free some space and run `dvc repro` again: it goes on from the row store.",
            file=sys.stderr,
        )
        sys.exit(1)
    log.info("done in %.1f s", time.monotonic() - started)


def _call(main: Main, values: Mapping[str, Any]) -> None:
    """A part that was found damaged while `main` worked on the table unread is named as one found at once; a
    full disk that polars met is one like any other.
    """
    try:
        main(**values)
    except pl.exceptions.ComputeError as error:
        for number in (errno.ENOSPC, errno.EDQUOT):
            if f"(os error {number})" in str(error):
                raise OSError(number, os.strerror(number)) from error
        for value in values.values():
            if isinstance(value, In):
                value.must_be_readable()
            elif isinstance(value, InTables):
                for table in value.tables().values():
                    table.must_be_readable()
        raise


def _parser(stage: str, docstring: str, signature: Signature) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m stages.{stage}", description=docstring, allow_abbrev=False
    )
    parser.add_argument("--params", default=stage, help="section of params.yaml (default: %(default)s)")
    for name, hint in signature.artifacts.items():
        count = "+" if (get_origin(hint) or hint) in SEVERAL else 1
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=Path, nargs=count, required=True, help=str(hint)
        )
    return parser


def _values(signature: Signature, section: str, arguments: argparse.Namespace) -> dict[str, Any]:
    values: dict[str, Any] = {
        name: signature.handle(name, getattr(arguments, name)) for name in signature.artifacts
    }
    if signature.params:
        values["params"] = load_params(signature.params, section)
    if signature.execution:
        values["execution"] = load_params(Execution, "execution")
    return values
