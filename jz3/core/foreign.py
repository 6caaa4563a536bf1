"""Evidence that jz3 did not make a file or folder, so that no output may replace it.

Nothing is written into tables or texts to mark them as ours: what counts is that the content is what the same
handle writes. Each function returns the reason in words, such as `has no manifest.json`, or None.
"""

import csv
import json
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
from pydantic import BaseModel, ValidationError

from jz3.core.placing import MANIFEST


def foreign_table(path: Path, kind: type[dy.Schema]) -> str | None:
    """Why a file is not ours: a parquet file with the columns of the kind is. Its rows are not read."""
    try:
        found = pl.read_parquet_schema(path)
    except (pl.exceptions.PolarsError, OSError):
        return f"is not a table of {kind.__name__}"
    differ = differences(pl.Schema(found), kind.create_empty().schema)
    return f"is not a table of {kind.__name__} (it differs in {differ})" if differ else None


def foreign_folder(path: Path, kind: type[BaseModel]) -> str | None:
    """Why a folder is not ours: one with a manifest of the kind is, if it has no other fields.

    Other programs have a `manifest.json` too, often with a field `files` or `version`.
    """
    file = path / MANIFEST
    if file.is_symlink() or not file.is_file():
        return f"has no {MANIFEST}"
    try:
        kind.model_validate_json(file.read_bytes(), extra="forbid")
    except (ValidationError, OSError):
        return f"has a {MANIFEST} that is not a {kind.__name__}"
    return None


def foreign_metrics(path: Path, kind: type[BaseModel]) -> str | None:
    """Why a file is not ours: a JSON object with exactly the fields that the kind writes is.

    A kind may leave out its null fields when it writes.
    """
    found = _object(path)
    if found is None:
        return f"holds no {kind.__name__}"
    try:
        read = kind.model_validate(dict.fromkeys(kind.model_fields) | found)
    except ValidationError:
        return f"holds no {kind.__name__}"
    return None if read.model_dump().keys() == found.keys() else f"holds no {kind.__name__}"


def foreign_object(path: Path) -> str | None:
    """Why a file is not ours: any JSON object is."""
    return "holds no metrics" if _object(path) is None else None


def foreign_curve(path: Path, kind: type[dy.Schema]) -> str | None:
    """Why a file is not ours: a CSV file whose first line names the columns of the kind is."""
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            head = next(csv.reader(lines), None)
    except (ValueError, csv.Error, OSError):
        head = None
    return None if head == kind.create_empty().columns else f"holds no {kind.__name__}"


def foreign_text(path: Path, text: str) -> str | None:
    """Why a text must not be replaced; None if it is the same. Nothing in a text tells who wrote it."""
    return None if path.read_bytes() == text.encode() else "holds a text other than the one to be written"


def differences(found: pl.Schema, expected: pl.Schema) -> str:
    """The columns in which two schemas differ, as text; empty if they are equal."""
    return ", ".join(
        [
            *(f"{name} (missing)" for name in expected if name not in found),
            *(f"{name} (too many)" for name in found if name not in expected),
            *(
                f"{name} ({found[name]}, not {expected[name]})"
                for name in expected
                if name in found and found[name] != expected[name]
            ),
            *(
                ["the order of its columns"]
                if set(found) == set(expected) and list(found) != list(expected)
                else []
            ),
        ]
    )


def described(columns: pl.Schema) -> str:
    """Each column with its type."""
    return ", ".join(f"{name} ({kind})" for name, kind in columns.items())


def _object(path: Path) -> dict[str, Any] | None:
    try:
        found: Any = json.loads(path.read_bytes())
    except (ValueError, RecursionError, OSError):
        return None
    return found if isinstance(found, dict) else None  # pyright: ignore[reportUnknownVariableType]
