"""The command that sends training sets to a hub."""

from typing import Annotated

import typer

from jz3.cli.output import Json, show
from jz3.cli.root import root
from jz3.core.errors import UserError


def publish(
    repo: Annotated[str, typer.Argument(help="a dataset repository of the hub, owner/name")],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="say what would be sent, and send nothing")
    ] = False,
    private: Annotated[bool, typer.Option("--private", help="make a new repository private")] = False,
    licence: Annotated[
        list[str] | None,
        typer.Option(
            "--licence",
            metavar="SOURCE=LICENCE",
            help="the licence of a source that states none; repeat for more",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Send training sets, card, certificates and figures to a hub, with Croissant metadata, in one commit.

    Refuses if the licence of a source forbids it, if stages are stale, or if git sees edits.

    Example: jz3 publish me/mathematics --dry-run
    """
    from jz3.graph.fetching.hosts import hub_of_environment
    from jz3.graph.publishing.contents import publication
    from jz3.graph.publishing.hub import must_be_named, page, send
    from jz3.graph.publishing.licences import table_of

    must_be_named(repo)
    hub = hub_of_environment()
    found = publication(root(), repo, page(hub, repo), dict(_stated(one) for one in licence or []))
    address = None if dry_run else send(found, hub, repo, private=private)
    sizes = {name: found.size(name) for name in found.files}
    lines = [
        *(f"{size:>12,}  {name}" for name, size in sizes.items()),
        *(
            f"{rows:>12,}  rows of {name} from {source}: {said}"
            for name, source, said, rows in table_of(found.licences).iter_rows()
        ),
        f"{len(sizes)} files, {sum(sizes.values()) / 1e6:.1f} MB of commit {found.commit[:12]}: "
        + (f"sent, {address}" if address else f"nothing was sent to {page(hub, repo)}"),
    ]
    document = {
        "repo": repo,
        "commit": found.commit,
        "files": sizes,
        "licences": table_of(found.licences).to_dicts(),
        "sent": address,
    }
    show("\n".join(lines), document, json=json)


def _stated(given: str) -> tuple[str, str]:
    source, equals, licence = given.partition("=")
    if not (source and equals and licence):
        raise UserError(
            f"--licence {given} is not a licence of a source; SOURCE=LICENCE was expected, such as sft=MIT."
        )
    return source, licence
