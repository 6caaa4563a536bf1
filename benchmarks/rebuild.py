"""'Edit X: which rows run again?', asked of jz3 and of its peers; docs/rebuild.md has the method.

    python benchmarks/rebuild.py                             # all systems, all edits, 2,000 texts: an hour
    python benchmarks/rebuild.py --quick                     # jz3, plain DVC and a Makefile on 30 texts
    python benchmarks/rebuild.py datachain --edit template   # one cell

Each cell begins where a whole run of the unedited pipeline ended, makes one edit and runs the system's one
command again. Counted are `calls` (that the model server answered; after a kill, those that were made twice),
`rows` (that parse, filter, dedup and grade worked on), `stale` (final rows that are not those of the plain
script on the same inputs: missing, too many or different), `seconds` and, a system, `lines` of code of its
own. The environment of each peer is made from its pinned requirements on first use, under --environments;
none of it enters the environment of jz3.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.rebuilding.cells import Bench
from benchmarks.rebuilding.edits import EDITS, make_texts, repeated_ids
from benchmarks.rebuilding.project import FILES, Project, Run, must_succeed
from benchmarks.servers.teaching import teaching_server

TEXTS = 2_000
QUICK_TEXTS = 30
DELAY_S = 0.005
"""Delay of each answer (chosen: so that a kill meets requests in flight)."""
QUICK = ("jz3", "dvc", "make"), ("template", "comment in prompts")
TRUTH = "plain"
UNCHANGED = ("nothing", "kill", "second clone")
"""Edits after which the same rows are expected."""

Rows = Mapping[str, tuple[str, str, bool]]


@dataclass(frozen=True)
class Cell:
    """A system after an edit; `stale` counts final rows that differ from the plain script's."""

    calls: int
    rows: int
    stale: int
    seconds: float
    failed: str


def cell(run: Run, rows: Rows, due: Rows) -> Cell:
    stale = sum(rows.get(row_id) != due.get(row_id) for row_id in {*rows, *due})
    last = [line for line in run.said.splitlines() if line.strip()][-1:]
    failed = f"{run.status}: {' '.join(last)[:200]}" if run.status else ""
    return Cell(run.calls, run.rows, stale, round(run.seconds, 1), failed)


def true_rows(bench: Bench, edits: Sequence[str]) -> tuple[dict[str, Rows], list[str]]:
    """What the plain script leaves after each edit, and the rows that others repeat."""
    must_succeed(TRUTH, bench.first())
    repeated, before = repeated_ids(bench.project), bench.project.rows()
    due: dict[str, Rows] = {}
    for edit in edits:
        if edit not in UNCHANGED:
            must_succeed(TRUTH, bench.edited(edit, repeated))
        due[edit] = before if edit in UNCHANGED else bench.project.rows()
    return due, repeated


def measured(bench: Bench, due: Mapping[str, Rows], repeated: list[str]) -> dict[str, Cell]:
    """The cells of one system, each printed as soon as it is known."""
    run, name = bench.first(), bench.project.name
    print(
        f"{name}: {bench.project.lines()} lines of its own, first run {run.calls} calls, {run.seconds:.1f} s"
    )
    cells: dict[str, Cell] = {}
    for edit, rows in due.items():
        again = bench.edited(edit, repeated)
        cells[edit] = cell(again, bench.project.rows(), rows)
        made = cells[edit]
        print(
            f"  {edit:20} {made.calls:6} calls {made.rows:7} rows {made.stale:6} stale {made.seconds:7} s"
            f"{'  failed: ' + made.failed if made.failed else ''}",
            flush=True,
        )
    return cells


def main() -> None:
    systems = [*yaml.safe_load((FILES / "systems.yaml").read_text())]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("systems", nargs="*", choices=[*systems, []], help="all, if none is named")
    parser.add_argument("--edit", action="append", choices=EDITS, help="all, if none is named")
    parser.add_argument("--texts", type=int, default=TEXTS)
    parser.add_argument("--environments", type=Path, default=Path(tempfile.gettempdir()) / "rebuild-envs")
    parser.add_argument("--out", type=Path, help="a file for the figures, added to those that it has")
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    named, edits, count = arguments.systems or systems, arguments.edit or [*EDITS], arguments.texts
    if arguments.quick:
        named, edits, count = *QUICK, QUICK_TEXTS
    texts, cells = make_texts(count), {}
    with tempfile.TemporaryDirectory() as directory, teaching_server(DELAY_S) as server:

        def bench(name: str) -> Bench:
            return Bench(Project(name, Path(directory) / name, server, arguments.environments), texts)

        due, repeated = true_rows(bench(TRUTH), edits)
        for name in named:
            cells[name] = measured(bench(name), due, repeated)
    found = {
        f"{name}.{edit}.{figure}": value
        for name, made in cells.items()
        for edit, one in made.items()
        for figure, value in asdict(one).items()
        if figure != "failed"
    }
    if arguments.out:
        before = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
        arguments.out.write_text(json.dumps(before | found, indent=1) + "\n")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
