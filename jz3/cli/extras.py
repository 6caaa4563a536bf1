"""Name a missing extra in one line: the core of the wheel has no package of an extra."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from jz3.core.errors import UserError

OF_CURATE = ("curate", "dedup", "decontaminate", "filter", "execute", "grade", "look", "export", "store")
"""Commands that need only the extra `curate`; all others need `graph`."""
OURS = ("jz3", "stages")


@contextmanager
def names_the_extra(ctx: Any) -> Generator[None]:  # noqa: ANN401 (click's context of the group)
    """Turn the import error of a missing package into a UserError that names its extra.

    A missing module of jz3 itself is a bug and stays a traceback.
    """
    try:
        yield
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        if not package or package in OURS:
            raise
        command = ctx.invoked_subcommand
        extra = "curate" if command in OF_CURATE else "graph"
        raise UserError(
            f"{package} is not installed; `jz3 {command}` needs it. Run `pip install 'jz3[{extra}]'`."
        ) from missing
