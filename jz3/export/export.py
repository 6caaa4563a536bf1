r"""`jz3 export`: rows in the format of a trainer or a service, in a folder with a manifest.

`data.jsonl`, or `part-00000.parquet` and so on, has the rows in the order of the table; `rejected.jsonl`
lists each row that is left out, with the reason; `manifest.json` is the account. The rules:

| rule | a row |
|---|---|
| `export.no_problem` | has no problem, or blanks alone |
| `export.no_solution` | has no solution, where the form needs one |
| `export.no_answer` | has no final answer, where the form needs one: no field, no box, nothing after `####` |
| `export.not_verifiable` | has an answer that the grader does not find right in a response that boxes it |
| `read.choices_apart` | lists choices that its problem does not state |
| `read.*` | is none: a line that is not JSON, and the like |

No answer is ever made up: a solution without a box gets none, whatever number it ends with. Costs a read of
the table; memory for a part of the rows (256 MB), and for a run 0.2 KB per problem for ids and licences.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson
import polars as pl
from pydantic import BaseModel

from jz3.core.artifacts import MANIFEST, OutDir
from jz3.core.table_bytes import regrouped, write_part
from jz3.export.formats import DATA_LINES, Format
from jz3.export.row import ExportRow, NoRow, Table, provenance
from jz3.public.answers import grade
from jz3.tables.ledger import Ledger

FRAME_ROWS = 10_000
"""Rows that are made at a time (chosen: some 30 MB)."""
PROVENANCE_LINES, REJECTED_LINES = "provenance.jsonl", "rejected.jsonl"
_LINE_ENDS = ((b"\xe2\x80\xa8", rb"\u2028"), (b"\xe2\x80\xa9", rb"\u2029"), (b"\xc2\x85", rb"\u0085"))
"""Characters that some readers take for line ends, although JSON allows them in texts."""


class ExportManifest(BaseModel):
    """The account of an export."""

    format: str
    table: str
    table_digest: str
    rows: Ledger
    by_licence: dict[str, int]
    """Rows written; the empty licence means that none is known."""
    by_answer: dict[str, int]
    """Rows written, by where their answers come from; empty for rows without one."""
    pass_rates: int
    """Rows written that have a pass rate."""
    files: dict[str, str]
    """SHA-256 of each file."""


class _Account:
    """Passes on the rows to be written, and counts these and the others."""

    def __init__(self, form: Format, rejected: Path) -> None:
        self._form = form
        self._lines = rejected
        self.read = self.kept = self.pass_rates = 0
        self.rules: Counter[str] = Counter()
        self.licences: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()

    def kept_of(self, rows: Iterable[ExportRow | NoRow]) -> Iterator[ExportRow]:
        with self._lines.open("wb") as rejected:
            for row in rows:
                self.read += 1
                rule = rule_of(row, self._form)
                if rule is None:
                    assert isinstance(row, ExportRow)
                    self._count(row)
                    yield row
                else:
                    self.rules[rule] += 1
                    name = row.place if isinstance(row, NoRow) else row.row_id
                    rejected.write(line_of({"id": name, "rule": rule}))

    def _count(self, row: ExportRow) -> None:
        self.kept += 1
        self.licences[row.licence] += 1
        self.answers[row.answer_from] += 1
        self.pass_rates += row.pass_rate is not None


def export(rows: Iterable[ExportRow | NoRow], table: Table, form: Format, out: Path) -> ExportManifest:
    """Write the folder. Raises ArtifactError if anything is there that jz3 did not export."""
    place = OutDir(ExportManifest, out)
    place.must_be_free()
    with place.open() as folder:
        account = _Account(form, folder / REJECTED_LINES)
        kept = account.kept_of(rows)
        if form.schema is None:
            _write_lines(kept, table, form, folder)
        else:
            _write_parts(kept, table, form, folder)
        for name, text in form.extras(table).items():
            (folder / name).write_text(text, encoding="utf-8")
        manifest = ExportManifest(
            format=form.name,
            table=table.name,
            table_digest=table.digest,
            rows=Ledger(
                read=account.read,
                kept=account.kept,
                rejected=dict(sorted(account.rules.items())),
                failed=0,
            ),
            by_licence=dict(sorted(account.licences.items())),
            by_answer=dict(sorted(account.answers.items())),
            pass_rates=account.pass_rates,
            files={file.name: _sha256(file) for file in sorted(folder.iterdir())},
        )
        (folder / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return manifest


def rule_of(row: ExportRow | NoRow, form: Format) -> str | None:
    """Why a row is not written; None if it is."""
    if isinstance(row, NoRow):
        return f"read.{row.rule}"
    if not row.problem.strip():
        return "export.no_problem"
    if form.needs == "solution":
        return None if (row.solution or "").strip() else "export.no_solution"
    if not (row.answer or "").strip():
        return "export.no_answer"
    return None if earns(str(row.answer)) else "export.not_verifiable"


def earns(answer: str) -> bool:
    """Whether the grader accepts a response that boxes the answer: the least that a reward must do."""
    return grade(answer, f"\\boxed{{{answer}}}").equal


def line_of(value: dict[str, Any]) -> bytes:
    """A line of JSON that no reader takes for two lines."""
    line = orjson.dumps(value)
    for character, escaped in _LINE_ENDS:
        line = line.replace(character, escaped)
    return line + b"\n"


def account_shown(manifest: ExportManifest) -> str:
    """The account of rows as text for people."""
    rows = manifest.rows
    lines = [
        f"{manifest.table}: read {rows.read}, written {rows.kept}, rejected {rows.read - rows.kept}",
        *(f"  {rule:30} {count:8}" for rule, count in rows.rejected.items()),
        *(
            f"  licence {licence or 'not known':22} {count:8}"
            for licence, count in manifest.by_licence.items()
        ),
        *(f"  answer from {where:18} {count:8}" for where, count in manifest.by_answer.items() if where),
    ]
    return "\n".join(lines)


def _write_lines(rows: Iterable[ExportRow], table: Table, form: Format, folder: Path) -> None:
    with ExitStack() as stack:
        data = stack.enter_context((folder / DATA_LINES).open("wb"))
        beside = None if form.own_provenance else stack.enter_context((folder / PROVENANCE_LINES).open("wb"))
        for number, row in enumerate(rows):
            data.write(line_of(form.record(row, number, table)))
            if beside is not None:
                beside.write(line_of(provenance(row, table)))


def _write_parts(rows: Iterable[ExportRow], table: Table, form: Format, folder: Path) -> None:
    count = 0
    for part in regrouped(_frames(rows, table, form)):
        write_part(part, folder / f"part-{count:05}.parquet")
        count += 1
    if not count:
        write_part(pl.DataFrame(schema=form.schema), folder / "part-00000.parquet")


def _frames(rows: Iterable[ExportRow], table: Table, form: Format) -> Iterator[pl.DataFrame]:
    waiting: list[dict[str, Any]] = []
    for number, row in enumerate(rows):
        waiting.append(form.record(row, number, table))
        if len(waiting) == FRAME_ROWS:
            yield pl.DataFrame(waiting, schema=form.schema)
            waiting = []
    if waiting:
        yield pl.DataFrame(waiting, schema=form.schema)


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
