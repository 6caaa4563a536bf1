r"""The rows of users' raw files of any kind, each with its location.

| ending | read as |
|---|---|
| `.jsonl`, `.ndjson`, `.json` | an object per line, or one list of objects |
| `.csv`, `.tsv` | a header and records |
| `.parquet`; `.arrow`, `.feather`, `.ipc` | a table; of a folder that `datasets` saved the arrow files |
| `.txt`, `.md`, `.tex` | one text per file; `\input` is followed |
| `.html`, `.htm`, `.pdf` | one text per file, with the extra `documents` |

All except tables may be compressed (`.gz`, `.bz2`, `.xz`, `.zst`). Invalid rows are yielded as Odd, and
reading continues; a file with hardly any valid row, or of another kind than its name says, raises
RawFileError. Needs memory for a row, or for some rows of a table.
"""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from jz3.raw.first_bytes import ARROW, must_be_as_named
from jz3.raw.json_rows import json_file
from jz3.raw.lines import COMPRESSIONS
from jz3.raw.row import Found, Odd, RawFileError, Row
from jz3.raw.tables import arrow_rows, csv_rows, of_saved_dataset, parquet_rows
from jz3.raw.texts import latex_rows, text_row

MOST_ODD = 10_000
"""With this many odd rows, and fewer valid ones, a file counts as one of another format (chosen)."""
TEXTS = (".txt", ".md", ".html", ".htm", ".pdf")
KINDS = f".jsonl, .ndjson, .json, .csv, .tsv, .parquet, {', '.join(ARROW)}, .tex, {', '.join(TEXTS)}"


def read_rows(
    files: Sequence[Path], root: Path, names: Collection[str] | None = None
) -> Iterator[tuple[Path, Found]]:
    """The rows of the files under `root`, in order. `names` are the fields wanted; a table need not read
    others. Raises RawFileError.
    """
    latex = [file for file in files if _kind(file) == ".tex"]
    for file in files:
        kind = _kind(file)
        if kind in TEXTS:
            yield file, text_row(file, kind, file.relative_to(root).as_posix())
        elif kind != ".tex" and of_saved_dataset(file):
            for found in _of_this_format(file, _rows(file, root, names)):
                yield file, found
    yield from latex_rows(latex, root)


def _rows(file: Path, root: Path, names: Collection[str] | None) -> Iterator[Found]:
    name = file.relative_to(root).as_posix()
    must_be_as_named(file, _kind(file))
    match _kind(file):
        case ".jsonl" | ".ndjson" | ".json":
            rows = json_file(file)
        case ".csv":
            rows = csv_rows(file, ",")
        case ".tsv":
            rows = csv_rows(file, "\t")
        case ".parquet":
            rows = parquet_rows(file, names)
        case kind if kind in ARROW:
            rows = arrow_rows(file)
        case other:
            ending = f"ends in '{other}'" if other else "has no ending that says what it holds"
            raise RawFileError(
                f"{file} {ending}; {KINDS} were expected, plain or compressed ({', '.join(COMPRESSIONS)}). "
                f"Rename or convert it; of a folder, take it out or name the others in the parameters "
                f"(`**/*.jsonl`)."
            )
    for place, row in rows:
        yield f"{name} {place}", row


def _kind(file: Path) -> str:
    """The ending that tells what is in a file, without that of its compression."""
    name = file.name.lower()
    for compression in COMPRESSIONS:
        name = name.removesuffix(compression)
    return Path(name).suffix


def _of_this_format(file: Path, rows: Iterator[Found]) -> Iterator[Found]:
    good = odd = 0
    first: tuple[str, Odd] | None = None
    for place, row in rows:
        if isinstance(row, Odd):
            odd += 1
            first = first or (place, row)
            if odd > max(MOST_ODD, good):
                break
        else:
            good += 1
        yield place, row
    if first and (good == 0 or odd > max(MOST_ODD, good)):
        place, row = first
        remedy = "convert it to UTF-8" if row.rule == "not_utf8" else "convert it"
        raise RawFileError(
            f"{file} is not in the format that its ending says: {odd} of {good + odd} rows cannot be read, "
            f"first {place} ({row.reason}); readable rows were expected. Fetch it again, or {remedy}."
        )


def field(row: Row, name: str) -> object:
    """The value of a field, possibly a nested one (`meta.title`); None if it is missing."""
    if name in row:
        return row[name]
    value: object = row
    for part in name.split("."):
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
    return value
