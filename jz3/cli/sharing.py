"""Commands for shared storage: verify both sides, and exchange outputs and rows of the row store."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jz3.cli.output import Json, remark, say, show
from jz3.cli.root import root
from jz3.core.errors import UserError

if TYPE_CHECKING:
    from jz3.store.sharing import Moved

Url = Annotated[
    str | None, typer.Argument(help="an fsspec URL such as s3://bucket/rows; by default the DVC remote")
]

store = typer.Typer(no_args_is_help=True, help="Share and check the row store, which holds every paid row.")


def verify(
    *,
    remote: Annotated[
        bool, typer.Option("--remote", help="also the default remote, which is read in full")
    ] = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="delete damaged objects; DVC then restores them")
    ] = False,
    json: Json = False,
) -> None:
    """Re-hash the DVC cache and the row store; name damaged objects and the stage that makes each.

    Example: jz3 verify --remote
    """
    from jz3.graph.verify import as_json, as_text
    from jz3.graph.verify import remove as delete
    from jz3.graph.verify import verify as examined
    from jz3.store.row_store import open_store
    from jz3.store.sharing import damages

    place = root()
    found = [examined(place, "cache"), *([examined(place, "remote")] if remote else [])]
    rows = damages(open_store())
    say(as_json(found, rows) if json else as_text(found, rows))
    if remove:
        for path in [path for one in found for path in delete(place, one)]:
            remark(f"removed {path}")
    elif rows or any(one.damages for one in found):
        raise UserError(
            "something is damaged, as listed; objects and rows whose bytes match their names were "
            "expected. Do not push. `jz3 store mend` sets damaged rows aside, `jz3 verify --remove` deletes "
            "objects."
        )


def push(*, json: Json = False) -> None:
    """Verify the cache, then send outputs, run cache, metrics and rows to the default DVC remote.

    Example: jz3 push
    """
    from jz3.graph.push import push as send
    from jz3.store.row_store import open_store

    done = send(root(), open_store())
    sent = f"sent {done.files} files and run cache entries, {done.metrics} metrics"
    show(f"{sent}\n{_said('sent', done.rows)}", asdict(done), json=json)


def pull(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="stages, or a recipe, model or source of graph.yaml; by default all"),
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Download what `jz3 push` sent to the default DVC remote: outputs of stages, and rows.

    For rows alone use `jz3 store pull`, for raw data `jz3 fetch`. Example: jz3 pull jiuzhang
    """
    from jz3.graph.pull import pull as bring
    from jz3.store.row_store import open_store

    done = bring(root(), names or [], open_store())
    brought = f"fetched {done.files} files and run cache entries"
    show(f"{brought}\n{_said('fetched', done.rows)}", asdict(done), json=json)


@store.command("push")
def push_rows(url: Url = None, *, json: Json = False) -> None:
    """Send the rows that the shared place lacks.

    Example: jz3 store push s3://bucket/rows
    """
    from jz3.graph.shared_rows import pushed
    from jz3.store.row_store import open_store

    done = pushed(Path() if url else root(), url, open_store())
    show(_said("sent", done), asdict(done), json=json)


@store.command("pull")
def pull_rows(url: Url = None, *, json: Json = False) -> None:
    """Download the rows that are not here; each must be intact and stored under the key of its request.

    For raw data use `jz3 fetch`, for outputs of stages `jz3 pull`. Example: jz3 store pull s3://bucket/rows
    """
    from jz3.graph.shared_rows import pulled
    from jz3.store.row_store import open_store

    done = pulled(Path() if url else root(), url, open_store())
    show(_said("fetched", done), asdict(done), json=json)


@store.command("check")
def check_rows(*, json: Json = False) -> None:
    """Read every row of the store and name the damaged ones, by file and byte.

    Example: jz3 store check
    """
    from jz3.store.row_store import open_store
    from jz3.store.sharing import damages

    rows = open_store()
    lines = damages(rows)
    whole = (
        f"every row of {rows.root} is intact"
        if rows.root.is_dir()
        else f"there is no store at {rows.root} yet"
    )
    show("\n".join(lines) or whole, {"store": str(rows.root), "damages": lines}, json=json)
    if lines:
        raise UserError(
            f"the row store at {rows.root} is damaged in {len(lines)} places, as listed; none was expected. "
            f"Every intact row is used, and lost ones are computed again when a stage asks for them. "
            f"`jz3 store mend` sets damaged files aside and keeps their intact rows; then `jz3 store pull` "
            f"brings back the lost ones if they were shared."
        )


@store.command("mend")
def mend_rows(*, json: Json = False) -> None:
    """Write the intact rows of damaged files into new files, and rename the damaged ones to NAME.damaged.

    Nothing is deleted. Example: jz3 store mend
    """
    from jz3.store.row_store import open_store

    done = open_store().mend()
    lines = [f"{done.rows} intact rows were kept", *(f"set aside: {name}" for name in done.set_aside)]
    show("\n".join(lines) if done.set_aside else "nothing is damaged", asdict(done), json=json)


def _said(verb: str, done: "Moved") -> str:
    return f"{verb} {done.rows} rows, {done.size / 1e6:.1f} MB; {done.there} were already there"


@store.command("compact")
def compact_rows(*, json: Json = False) -> None:
    """Merge journals that no process writes and small segments into segments of about 64 MB.

    Writers do this by themselves once there are many journals. Example: jz3 store compact
    """
    from jz3.store.row_store import open_store

    done = open_store().compact()
    show(f"merged {done.merged} files into {done.into}", asdict(done), json=json)
