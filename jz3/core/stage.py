"""Runs a stage: its signature is its contract and determines its command line."""

import argparse
import inspect
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from typing import Annotated, Any, get_args, get_origin

import polars as pl
from pydantic import TypeAdapter, ValidationError

from jz3.core.account import TooMuchLost, account_of, warning
from jz3.core.artifacts import In, Metrics, Out, OutDir, OutText, Plot
from jz3.core.budget import Budget, OfBudget
from jz3.core.ending import FULL, ends_in_one_line, heed_sigterm
from jz3.core.execution import load_execution
from jz3.core.fan_in import InDirs, InMetrics, InPlots, InTables
from jz3.core.params import Params, Seed, Share, load_params
from jz3.core.parent import end_with_parent
from jz3.core.placing import ArtifactError, identity, is_within, withdraw
from jz3.core.progress import Progress
from jz3.core.terminal import without_name
from jz3.core.whole_run import WholeRun, asked_of_dvc, enter, leave

log = logging.getLogger(__name__)

Main = Callable[..., None]

SEVERAL = (InDirs, InMetrics, InPlots, InTables)
"""Handles whose flag takes several paths."""
LIBRARIES = ("httpx", "httpx2", "transformers", "openai", "urllib3", "filelock", "matplotlib")
"""Loggers whose messages are shown only with `-v`."""
QUIET, VERBOSE = ("q", "--quiet"), ("v", "--verbose")
"""Options of `dvc` that its stages follow, too."""
DVC_STAGE = "DVC_STAGE"
"""Set by DVC: the name of the stage, such as `mix@jiuzhang`."""
OUTS = (Out, OutDir, OutText, Metrics, Plot)
"""Handles of what a stage leaves."""


@dataclass(frozen=True)
class Signature:
    """What a stage takes, reads and leaves, as its `main` declares it."""

    params: type[Params] | None
    execution: bool
    budget: dict[str, OfBudget]
    """Values of the section `budget`, by the names of the parameters of `main`."""
    numbers: dict[str, Any]
    """Types of the numbers that its command passes from an entry of graph.yaml, by name."""
    artifacts: dict[str, Any]

    @classmethod
    def of(cls, main: Main) -> "Signature":
        hints = inspect.get_annotations(main, eval_str=True)
        hints.pop("return", None)
        params = hints.pop("params", None)
        execution = hints.pop("execution", None) is not None
        numbers = {name: hint for name, hint in hints.items() if hint in (Seed, Share)}
        budget = {
            name: part
            for name, hint in hints.items()
            if get_origin(hint) is Annotated
            for part in get_args(hint)
            if isinstance(part, OfBudget)
        }
        artifacts = {name: hint for name, hint in hints.items() if name not in numbers | budget}
        return cls(params=params, execution=execution, budget=budget, numbers=numbers, artifacts=artifacts)

    @property
    def sections(self) -> list[str]:
        """What DVC watches of params.yaml in addition to the stage's own section."""
        return [part.section for part in self.budget.values()]

    @property
    def counts(self) -> bool:
        """Whether the stage leaves metrics, which may include an account of its rows."""
        return Metrics in self.artifacts.values()

    def handle(self, name: str, paths: list[Path]) -> Any:  # noqa: ANN401 (whatever `main` declares)
        """The handle that `main` gets for an artifact, such as `In(Problem, path)`."""
        hint = self.artifacts[name]
        handle: Callable[..., Any] = get_origin(hint) or hint
        return handle(*get_args(hint), tuple(paths) if handle in SEVERAL else paths[0])


def run(main: Main) -> None:
    """Call `main` with its section of params.yaml and a handle for each path on the command line.

    The place of every output is checked before any work, and the account of the rows is printed after it. A
    UserError, a full disk, or Ctrl-C becomes one line and an exit status; every other error gives a
    traceback.
    """
    end_with_parent()
    heed_sigterm()
    os.environ["HF_HUB_OFFLINE"] = "1"  # before a library reads it: no stage opens the network
    module = sys.modules[main.__module__]
    stage = Path(str(module.__file__)).stem
    signature = Signature.of(main)
    arguments = _parser(stage, str(module.__doc__), signature).parse_args()
    section = str(arguments.params)
    name = os.environ.get(DVC_STAGE, section)
    started = time.monotonic()
    with ends_in_one_line(name, "run `dvc repro` again"):
        whole = _begin_log(name)
        values = _values(signature, section, arguments)
        handles = [values[name] for name in signature.artifacts]
        before = _must_be_free(handles)
        losses = load_execution().losses if signature.counts else None
        _call(main, values)
        account = account_of(handles)
        try:
            warned = warning(account, stage, losses, handles) if account and losses else None
        except TooMuchLost:
            withdraw(before)
            raise
        if warned:
            log.warning(warned)
        rows = account or "draws or writes, and drops no row"
        seconds = time.monotonic() - started
        log.info("done in %.1f s: %s", seconds, rows)
        if whole:
            leave(whole.stage, seconds, _cpu_seconds())
            if headline := whole.headline():
                log.info(headline)


def _cpu_seconds() -> float:
    """CPU seconds of this process and of its children that have ended."""
    spent = [getrusage(who) for who in (RUSAGE_SELF, RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in spent)


def _begin_log(stage: str) -> WholeRun | None:
    """Begin lines and bars with the stage's instance and its place in the run. Follows `-q` and `-v` of
    `dvc`.
    """
    asked = asked_of_dvc() if DVC_STAGE in os.environ else None
    quiet, verbose = (asked is not None and asked.has(*option) for option in (QUIET, VERBOSE))
    if quiet:
        logging.disable(logging.WARNING)
    if not verbose:
        _silence_libraries()
    whole = enter(stage, asked, load_execution().planning.stage_seconds) if asked else None
    place = ""
    if whole and whole.of > 1:
        place, began = f"{whole.place}/{whole.of} ", time.monotonic()
        Progress.within(place, stage, lambda: whole.left(time.monotonic() - began))
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines(stage, place))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    if place:
        log.info(whole)
    return whole


class _Lines(logging.Formatter):
    """Begins each line with the time, the stage's place in the run and its name, but names the stage only
    once.
    """

    def __init__(self, stage: str, place: str) -> None:
        super().__init__(f"%(asctime)s {place}{stage} %(message)s", "%H:%M:%S")
        self._stage = stage

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the library's name)
        record.message = without_name(record.message, self._stage)
        return super().formatMessage(record)


def _silence_libraries() -> None:
    """Hide messages of libraries that neither the user nor we can act on; `-v` shows them."""
    for library in LIBRARIES:
        logging.getLogger(library).setLevel(logging.WARNING)
    no_gpu = "Setting accelerator to CPU"
    logging.getLogger("DeepSpeed").addFilter(lambda record: no_gpu not in str(record.msg))
    warnings.filterwarnings(
        "ignore", category=FutureWarning, module="transformers|peft|torch|huggingface_hub"
    )


def _must_be_free(handles: Sequence[object]) -> dict[Path, tuple[int, int] | None]:
    """The identity of what is at each output's path, None if nothing is.

    Raises ArtifactError, before any work, if that is not ours or if a path is given twice.
    """
    outs = [handle for handle in handles if isinstance(handle, OUTS)]
    read = [
        path
        for handle in handles
        if not isinstance(handle, OUTS)
        for path in (handle.paths if isinstance(handle, SEVERAL) else [handle.path])  # pyright: ignore[reportAttributeAccessIssue]
    ]
    for number, out in enumerate(outs):
        for other in (*read, *(later.path for later in outs[number + 1 :])):
            if is_within(out.path, other) or is_within(other, out.path):
                raise ArtifactError(
                    f"{out.path} is to be written, and overlaps {other}, another path of the same stage; "
                    f"separate paths were expected. Give another path."
                )
        out.must_be_free()
    return {out.path: identity(out.path) for out in outs}


def _call(main: Main, values: Mapping[str, Any]) -> None:
    """Call `main`, and replace an error of polars by the cause: a full disk, or a part that proves damaged
    only while a lazy frame is read, which raises the same error as one that is found damaged at once.
    """
    try:
        main(**values)
    except pl.exceptions.ComputeError as error:
        for number in FULL:
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
    for name, hint in signature.numbers.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=_number(hint), required=True, help=str(hint))
    for name, hint in signature.artifacts.items():
        count = "*" if (get_origin(hint) or hint) in SEVERAL else 1
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=Path, nargs=count, required=True, help=_explained(hint)
        )
    return parser


def _number(hint: Any) -> Callable[[str], Any]:  # noqa: ANN401 (a type)
    """A function that reads a number of that type."""

    def read(text: str) -> Any:  # noqa: ANN401 (as the type says)
        try:
            return TypeAdapter(hint).validate_python(text)
        except ValidationError as error:
            raise argparse.ArgumentTypeError(f"{error.errors()[0]['msg']} (it is {text!r})") from error

    return read


def _explained(hint: Any) -> str:  # noqa: ANN401 (whatever `main` declares)
    """The help of a flag, such as `read: Problem` for `In[Problem]`; Problem names a module of jz3/tables."""
    handle = get_origin(hint) or hint
    kinds = ", ".join(kind.__name__ for kind in get_args(hint))
    return f"{'written' if handle in OUTS else 'read'}: {kinds or handle.__name__}"


def _values(signature: Signature, section: str, arguments: argparse.Namespace) -> dict[str, Any]:
    values: dict[str, Any] = {
        name: signature.handle(name, getattr(arguments, name)) for name in signature.artifacts
    }
    if signature.params:
        values["params"] = load_params(signature.params, section)
    if signature.budget:
        budget = load_params(Budget, "budget")
        values |= {name: getattr(budget, part.name) for name, part in signature.budget.items()}
    values |= {name: getattr(arguments, name) for name in signature.numbers}
    if signature.execution:
        values["execution"] = load_execution()
    return values
