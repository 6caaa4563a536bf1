"""`jz3 look`: rows of any table or file as a page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jz3.cli.output import Json, show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jz3.report.drawn_rows import Drawn
    from jz3.report.look import Ancestors

MOST_ROWS = 300
"""Chosen: some 100 printed pages, 2 MB that a browser opens at once, drawn in 1 s."""


def look(
    table: Annotated[Path, typer.Argument(help="a file of rows, or a folder of such files")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="the output page")] = Path("look.html"),
    rows: Annotated[
        int,
        typer.Option(
            "--rows", min=1, help="the most rows to show; a sample is drawn by hash if there are more"
        ),
    ] = MOST_ROWS,
    find: Annotated[
        list[str] | None, typer.Option("--find", help="only rows that contain this text; repeat for more")
    ] = None,
    json: Json = False,
) -> None:
    """Draw rows of a table as one offline page: formulas, search, filter, sort, links to their origins.

    Links follow the ids of a table in a repository of jz3: problem, prompt, passage, benchmark item.

    Example: jz3 look data/mix/jiuzhang -o look.html
    """
    from jz3.core.remedies import repository_of
    from jz3.report.drawn_rows import draw_rows
    from jz3.report.look import look_page, said, write_page

    wanted = find or []
    drawn = draw_rows(table, rows, wanted)
    root = repository_of(table.absolute().parent)
    kinds, found = _lineage(root, drawn)
    write_page(look_page(table.name, drawn, wanted, kinds, found), out)
    document = {
        "page": str(out),
        "shown": len(drawn.rows),
        "fitting": drawn.fitting,
        "rows": drawn.read,
        "no_rows": drawn.odd,
        "linked": {kind: len(of_kind) for kind, of_kind in found.items()},
    }
    odd = f"\n{drawn.odd} lines are not rows, first {drawn.first_odd}" if drawn.odd else ""
    show(f"{said(drawn, wanted)}{odd}\n{out}", document, json=json)


def _lineage(root: Path | None, drawn: "Drawn") -> "tuple[Mapping[str, str], Ancestors]":
    """What ids name, and the rows that they lead to. Only in a repository: its imports take half a second."""
    if root is None:
        return {}, {}
    from jz3.graph.lineage import NAMES, ancestors

    return NAMES, ancestors(root, [placed.row for placed in drawn.rows])
