"""What an installation lacks, in one line: the core of the wheel has no package of an extra."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from jz3.core.errors import UserError

OF_CURATE = ("curate", "dedup", "decontaminate", "filter", "execute", "grade", "look", "export", "store")
"""Commands that the extra `curate` is enough for; all others need `graph`."""
OURS = ("jz3", "stages")


@contextmanager
def names_the_extra(ctx: Any) -> Generator[None]:  # noqa: ANN401 (click's context of the group)
    """Turn a package that is not there into a UserError that names the extra. One of ours is a fault."""
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
