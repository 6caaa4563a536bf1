"""The command that downloads the external data of profiles."""

from pathlib import Path
from typing import Annotated

import typer

from jz3.cli.output import Json, remark, say, show
from jz3.cli.root import root


def fetch(
    *,
    profile: Annotated[
        str | None, typer.Option("--profile", help="a profile other than the one in use")
    ] = None,
    only: Annotated[
        str | None, typer.Option("--only", help="a source, or corpus, benchmark, task, model")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only show the table; no requests")] = False,
    resolve: Annotated[
        bool,
        typer.Option("--resolve", help="look up null fields, write them into data/sources.yaml, and stop"),
    ] = False,
    json: Json = False,
) -> None:
    """Download corpora, benchmarks, instruction data and base models, as data/sources.yaml pins them.

    For rows use `jz3 store pull`, for outputs of stages `jz3 pull`. Example: jz3 fetch --only corpus
    """
    from jz3.graph.fetching.needed import chosen, needed
    from jz3.graph.fetching.shown import as_json, as_text
    from jz3.graph.fetching.table import read_table

    place = root()
    entries = chosen(read_table(place), needed(place, profile), only)
    if not resolve:
        show(as_text(entries), as_json(entries), json=json)
    if dry_run:
        return
    from jz3.graph.fetching.fetch import fetch as bring
    from jz3.graph.fetching.hosts import hub_of_environment
    from jz3.graph.fetching.resolve import resolve as look_up

    tell = remark if json else say
    (look_up if resolve else bring)(place, entries, hub_of_environment(), tell)


def remark_absent(place: Path, profile: str | None = None) -> None:
    """Name on stderr the sources of a profile (by default the one in use) that are not fetched yet."""
    from jz3.graph.fetching.needed import not_fetched

    if absent := not_fetched(place, profile):
        fetching = f"jz3 fetch --profile {profile}" if profile else "jz3 fetch"
        remark(
            f"not here yet: {', '.join(absent)}; DVC stops at the first one that a stage needs. "
            f"`{fetching} --dry-run` shows them, `{fetching}` downloads them."
        )
