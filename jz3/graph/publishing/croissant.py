"""Croissant metadata of the training sets, made with its own library (mlcroissant, the extra `publish`).

Croissant (https://docs.mlcommons.org/croissant, 1.1) tells a reader of any framework which files there are,
with their digests, and which columns they have. Here a set is a record set over its parquet files, which are
named relative to `croissant.json`, so that it can be read from the hub and from a folder alike. The library
checks what it writes; metadata with an error or a warning are not published.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import polars as pl

from jz3.core.errors import UserError
from jz3.tables.training_row import TrainingRow

CARD, CROISSANT = "README.md", "croissant.json"
CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
PARQUET = "application/x-parquet"
METHOD = (
    "@inproceedings{zhou2024jiuzhang3, title={JiuZhang3.0: Efficiently Improving Mathematical Reasoning by "
    "Training Small Data Synthesis Models}, author={Zhou, Kun and others}, booktitle={NeurIPS}, year={2024}, "
    "url={https://arxiv.org/abs/2405.14365}}"
)
COLUMNS = {
    "position": "place in the training order",
    "row_id": "the problem that the row is",
    "part": "pretrain (synthetic) or instruction",
    "source": "the origin of the text that the problem was written from",
    "level": "of difficulty, such as grade, high, amc10 or aime; null where none was asked for",
    "kind": "cot (natural language) or tool (solved by a program)",
    "input": "what a model reads; no loss is computed on it",
    "output": "what a model learns to write",
}
"""Descriptions of the columns of TrainingRow, except NESTED."""
NESTED = "turns"
"""A list of records, which readers of Croissant do not support; `input` and `output` hold the same text."""


class CroissantError(UserError):
    """The library is not installed, or rejects the metadata."""


@dataclass(frozen=True)
class Part:
    """A parquet file of a set."""

    name: str
    file: Path
    sha256: str


@dataclass(frozen=True)
class Described:
    """The contents of the metadata."""

    name: str
    address: str
    day: date
    """The date of the commit."""
    commit: str
    licences: Sequence[str]
    sets: Mapping[str, Sequence[Part]]
    """The parts of each model's set."""


def croissant(described: Described) -> bytes:
    """The metadata as a JSON document. Raises CroissantError."""
    try:
        import mlcroissant as mlc  # pyright: ignore[reportMissingImports] (an extra)
    except ModuleNotFoundError as missing:
        raise CroissantError(
            f"{missing.name} is not installed; Croissant metadata need it. Run `pip install 'jz3[publish]'` "
            f"(in a clone `pip install -c constraints/main.txt -e '.[graph,publish]'`)."
        ) from missing

    files = [_file(mlc, part) for parts in described.sets.values() for part in parts]
    sets = [_set(mlc, name) for name in described.sets]
    try:
        metadata = mlc.Metadata(
            name=described.name,
            description="Training sets of mathematics problems with solutions, in training order.",
            conforms_to=[CONFORMS_TO],
            url=described.address,
            license=list(described.licences),
            version="1.0.0",
            date_published=datetime.combine(described.day, time()),
            cite_as=METHOD,
            creators=[mlc.Organization(name=described.address.rsplit("/", 2)[-2])],
            in_language=["en"],
            keywords=["mathematics", "synthetic", "jz3", f"commit {described.commit}"],
            distribution=[*files, *(files_of for files_of, _ in sets)],
            record_sets=[records for _, records in sets],
        )
    except mlc.ValidationError as error:
        raise CroissantError(_faulty(str(error))) from error
    if metadata.issues.errors or metadata.issues.warnings:
        raise CroissantError(_faulty(metadata.issues.report()))
    return (json.dumps(metadata.to_json(), indent=2, ensure_ascii=False) + "\n").encode()


def _file(mlc: Any, part: Part) -> Any:  # noqa: ANN401 (the library has no types)
    return mlc.FileObject(
        id=part.name,
        name=part.name,
        content_url=part.name,
        content_size=f"{part.file.stat().st_size} B",
        encoding_formats=[PARQUET],
        sha256=part.sha256,
    )


def _set(mlc: Any, name: str) -> tuple[Any, Any]:  # noqa: ANN401 (the library has no types)
    """The files of a set, and its records."""
    parts = f"{name}-parts"
    fields = [
        mlc.Field(
            id=f"{name}/{column}",
            name=column,
            description=COLUMNS[column],
            data_types=[mlc.DataType.INT64 if kind == pl.Int64 else mlc.DataType.TEXT],
            source=mlc.Source(file_set=parts, extract=mlc.Extract(column=column)),
        )
        for column, kind in TrainingRow.create_empty().schema.items()
        if column != NESTED
    ]
    return (
        mlc.FileSet(id=parts, name=parts, includes=[f"{name}/part-*.parquet"], encoding_formats=[PARQUET]),
        mlc.RecordSet(id=name, name=name, key=f"{name}/position", fields=fields),
    )


def _faulty(report: str) -> str:
    reason = " ".join(report.split())[:300]
    return f"mlcroissant rejects the metadata ({reason}); valid ones were expected. Report this line."
