"""Rows of tables: CSV and TSV with a header, parquet, and the arrow files of `datasets`.

pyarrow is imported only where it is needed: the core of the wheel reads CSV without it.
"""

import csv
import json
import re
from collections.abc import Collection, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from jz3.raw.lines import damaged, lines
from jz3.raw.row import EVIDENCE_CHARACTERS, MOST_BYTES, Odd, RawFileError, Row, not_utf8

BATCH_ROWS = 256
"""Rows of parquet held at once (chosen: a few MB of texts)."""
ARROW_FILE = b"ARROW1"
BYTES = ("binary", "large_binary")
"""Types of columns that may hold texts: Hive, Impala and older versions of Spark do not mark them as such."""
LETTERS = ("A", "B", "C", "D")
MMLU = ["question", *LETTERS, "answer"]
"""The columns of MMLU's own CSV files, which have no header."""
UNCLOSED = "a quote opens here and never closes, so that all up to the end of the file is one row"
_LONE_RETURN = re.compile(r"(?<=\r)(?=[^\n])")
"""Between two lines separated only by a carriage return, as in old tables."""


def csv_rows(file: Path, delimiter: str) -> Iterator[tuple[str, Row | Odd]]:
    """A row for each record under the header; quoted fields may span lines. If the header has semicolons or
    tabs but no delimiter, these separate the fields. A file in the layout of MMLU has no header.
    """
    csv.field_size_limit(MOST_BYTES)
    text = _text_lines(file)
    head: list[str] = []
    while not (head and head[-1].strip()) and (line := next(text, None)) is not None:
        head.append(line)
    if head and delimiter not in head[-1]:
        delimiter = next((other for other in ";\t" if other in head[-1]), delimiter)
    reader = csv.reader(chain(head, text), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    of_mmlu = False
    while True:
        place = f"line {reader.line_num + 1}"
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            reason = UNCLOSED if "unexpected end" in str(error) else str(error)
            yield place, Odd("not_csv", reason, "")
            continue
        if not record:
            continue
        if header is None:
            of_mmlu = _is_of_mmlu(record)
            header = MMLU if of_mmlu else _header(file, [name.strip() for name in record])
            if not of_mmlu:
                continue
        row = _record(header, record)
        yield place, _of_mmlu(row) if of_mmlu else row


def parquet_rows(file: Path, names: Collection[str] | None) -> Iterator[tuple[str, Row | Odd]]:
    """Rows with the columns of these names (None: all), some at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(file) as table:
            columns = [name for name in table.schema_arrow.names if names is None or name in names]
            for batch in table.iter_batches(BATCH_ROWS, columns=columns or None):
                yield from _numbered(batch, number)
                number += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        raise damaged(file, f"row {number}", error) from error


def arrow_rows(file: Path) -> Iterator[tuple[str, Row | Odd]]:
    """Rows of an arrow file: a stream, as `datasets` writes it, or a file."""
    import pyarrow as pa

    number = 0
    try:
        with pa.memory_map(str(file)) as source:
            opened: Any
            if source.read(len(ARROW_FILE)) == ARROW_FILE:
                opened = pa.ipc.open_file(source)
                batches = (opened.get_batch(index) for index in range(opened.num_record_batches))
            else:
                source.seek(0)
                batches = iter(pa.ipc.open_stream(source))
            for batch in batches:
                for start in range(0, batch.num_rows, BATCH_ROWS):
                    yield from _numbered(batch.slice(start, BATCH_ROWS), number + start)
                number += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        raise damaged(file, f"row {number}", error) from error


def of_saved_dataset(file: Path) -> bool:
    """Whether a file in a folder saved by `datasets` holds rows: its notes and caches do not."""
    if file.name == "dataset_dict.json":
        return False
    state = file.with_name("state.json")
    if not state.exists() or not any(file.parent.glob("*.arrow")):
        return True
    try:
        listed: Any = json.loads(state.read_text(encoding="utf-8"))
        return file.name in {entry["filename"] for entry in listed["_data_files"]}
    except (ValueError, KeyError, TypeError) as error:
        raise RawFileError(
            f"{state} does not list the data files beside it ({error!r}); a folder that `datasets` saved was "
            f"expected. Save it again."
        ) from error


def _text_lines(file: Path) -> Iterator[str]:
    """The lines of a file; bytes that are not UTF-8 become lone surrogates, which identify them later."""
    for number, line in lines(file):
        if isinstance(line, Odd):
            raise RawFileError(f"{file} line {number} is {line.reason}; CSV was expected. Take it out.")
        yield from _LONE_RETURN.split(line.decode("utf-8", "surrogateescape"))


def _is_of_mmlu(first: list[str]) -> bool:
    """Whether a first record is an item of MMLU: a question, four choices and a letter."""
    return len(first) == len(MMLU) and first[-1].strip() in LETTERS and not {"A", "B"} <= {*first}


def _of_mmlu(row: Row | Odd) -> Row | Odd:
    """The row with its choices in a list, as MMLU has them on the hub."""
    if isinstance(row, Odd):
        return row
    return {"question": row["question"], "choices": [row[one] for one in LETTERS], "answer": row["answer"]}


def _header(file: Path, names: list[str]) -> list[str]:
    if len(set(names)) < len(names):
        raise RawFileError(
            f"{file} has a header with a name twice ({', '.join(names)[:200]}); a name for each column was "
            f"expected. Rename one."
        )
    return names


def _record(header: list[str], record: list[str]) -> Row | Odd:
    text = "".join(record)
    if not text.isascii():
        data = text.encode("utf-8", "surrogateescape")
        try:
            data.decode()
        except UnicodeDecodeError as error:
            return not_utf8(data, error)
    if len(record) != len(header):
        reason = f"it has {len(record)} fields, the header {len(header)}"
        return Odd("columns_differ", reason, text[:EVIDENCE_CHARACTERS])
    return dict(zip(header, record, strict=True))


def _numbered(batch: Any, before: int) -> Iterator[tuple[str, Row | Odd]]:  # noqa: ANN401 (of pyarrow)
    try:
        rows: list[Any] = batch.to_pylist()
    except UnicodeDecodeError:
        rows = [_row(batch.slice(index, 1)) for index in range(batch.num_rows)]
    unmarked = [field.name for field in batch.schema if str(field.type) in BYTES]
    for number, row in enumerate(rows, before + 1):
        if not isinstance(row, Odd):
            row.update({name: _as_text(row[name]) for name in unmarked})
        yield f"row {number}", row


def _as_text(value: bytes | None) -> str | bytes | None:
    """Bytes as the text that they are in UTF-8, or unchanged: an image, for one."""
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return value


def _row(batch: Any) -> Row | Odd:  # noqa: ANN401 (of pyarrow)
    try:
        return batch.to_pylist()[0]
    except UnicodeDecodeError as error:
        return not_utf8(error.object, error)
