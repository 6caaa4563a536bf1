"""Items of every benchmark: question, choices, gold answer, and the revision that they come from.

Promises: an item's id is its place in its source, so that a longer benchmark keeps earlier ids; golds are not
changed; a row that is no item is rejected by its rule. Costs seconds.
"""

from collections import Counter
from dataclasses import replace
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import BaseModel, Field

from jz3.core.artifacts import InFiles
from jz3.core.params import Params, Seed
from jz3.tables.item import Item
from jz3.tables.ledger import Ledger
from jz3.tasks.fields import ItemFields
from jz3.tasks.gym import gym_items
from jz3.tasks.gym import revision as gym_revision
from jz3.tasks.item_formats import Format, ItemText, Unfit, read_item
from jz3.tasks.raw import DataError, RawRows, read_fetched, read_files
from jz3.tasks.rejects import Rejects, shown
from jz3.tasks.written_items import (
    BackwardBenchmark,
    ComposedBenchmark,
    Drawn,
    Numbered,
    OfWriter,
    WriterBenchmark,
    written_items,
)
from jz3.writer.server import MODEL


class GymBenchmark(Params):
    """A data set that `reasoning_gym` makes."""

    name: str
    reader: Literal["reasoning_gym"]
    dataset: str
    size: int = Field(ge=1)
    seed: Seed
    config: dict[str, Any]
    """Settings of the data set, by its own names."""


class FileBenchmark(Params):
    """A file under `data/raw/benchmarks`: JSON lines, CSV, parquet, and whatever else `jz3.raw.files`
    reads.
    """

    name: str
    reader: Literal["file"]
    pattern: str
    format: Format | ItemFields
    items: Annotated[int, Field(ge=1)] | None
    """How many rows it must have, or null: a file of another size is another benchmark."""
    digest: str | None
    """Required digest of the files, like the items' `revision`, or null: other content is another
    benchmark.
    """


class FetchedBenchmark(Params):
    """The files that `jz3 fetch` brought from a source in `data/sources.yaml`."""

    name: str
    reader: Literal["fetched"]
    source: str
    """Its name in the table; the manifest is under `data/raw/benchmarks`."""
    format: Format | ItemFields
    items: Annotated[int, Field(ge=1)] | None


Benchmark = Annotated[
    OfWriter | GymBenchmark | FileBenchmark | FetchedBenchmark, Field(discriminator="reader")
]


class BenchmarksParams(Params):
    """The benchmarks, in any order."""

    sources: list[Benchmark]


class BenchmarksMetrics(BaseModel):
    """Rows read, kept as items, and rejected by rule."""

    rows: Ledger
    items: dict[str, int]
    """Items by benchmark."""


def collect_items(
    raw: InFiles, params: BenchmarksParams
) -> tuple[pl.DataFrame, BenchmarksMetrics, pl.DataFrame]:
    """Table of Item, the metrics, and table of Reject. Raises DataError if a file or data set is not what the
    parameters say.
    """
    _check_names([source.name for source in params.sources])
    kept: list[dict[str, Any]] = []
    rejects = Rejects("benchmarks")
    drawn: Drawn = {}
    for source in params.sources:
        revision, items = _items(source, raw, drawn)
        for number, item in items:
            if isinstance(item, Unfit):
                rejects.add(f"{source.name}/{number:05}", item.rule, item.evidence)
            else:
                kept.append(_row(source.name, number, revision, item))
    by_benchmark = Counter(row["benchmark"] for row in kept)
    for source in params.sources:
        _check_size(source, by_benchmark[source.name])
    rejected = rejects.by_rule()
    metrics = BenchmarksMetrics(
        rows=Ledger(
            read=len(kept) + sum(rejected.values()),
            kept=len(kept),
            rejected=rejected,
            failed=0,
        ),
        items=dict(sorted(by_benchmark.items())),
    )
    return pl.DataFrame(kept, schema=Item.create_empty().schema), metrics, rejects.table()


def _items(source: Benchmark, raw: InFiles, drawn: Drawn) -> tuple[str, Numbered]:
    """The revision of a benchmark, and its items with their numbers; draws are added to `drawn`."""
    match source:
        case WriterBenchmark() | BackwardBenchmark() | ComposedBenchmark():
            return MODEL, written_items(source, drawn)
        case GymBenchmark():
            items = gym_items(source.dataset, source.size, source.seed, source.config)
            return gym_revision(), enumerate(items)
        case FileBenchmark():
            rows = read_files(raw, source.pattern)
            _check_digest(source, rows)
        case FetchedBenchmark():
            rows = read_fetched(raw, source.source)
    return rows.revision, _read(rows, source.format)


def _read(rows: RawRows, form: Format | ItemFields) -> Numbered:
    for place, odd in rows.odd:
        raise DataError(
            f"{rows.where}: {place} cannot be read as a row ({odd.reason}); a benchmark without gaps was "
            f"expected. Fetch it again, or fix the row."
        )
    for number, (place, row) in enumerate(zip(rows.places, rows.rows, strict=True)):
        try:
            item = read_item(row, form)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError) as error:
            name = form if isinstance(form, str) else form.name
            raise DataError(
                f"{rows.where} row {number + 1} is not of the format '{name}' ({place}: {error!r}); its "
                f"fields are {', '.join(row)}. Name the right format, or fetch the file again."
            ) from error
        yield number, replace(item, evidence=shown(place, row)) if isinstance(item, Unfit) else item


def _row(benchmark: str, number: int, revision: str, item: ItemText) -> dict[str, Any]:
    return {
        "item_id": f"{benchmark}/{number:05}",
        "benchmark": benchmark,
        "revision": revision,
        "question": item.question,
        "choices": list(item.choices) if item.choices else None,
        "gold": item.gold,
        "subject": item.subject,
        "level": item.level,
    }


def _check_names(names: list[str]) -> None:
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise DataError(f"benchmarks {', '.join(repeated)} are listed twice; give each a name of its own.")


def _check_digest(source: FileBenchmark, rows: RawRows) -> None:
    if source.digest is not None and rows.revision != source.digest:
        raise DataError(
            f"{rows.where} has the digest {rows.revision}; {source.digest} was expected for benchmark "
            f"'{source.name}'. Fetch the public file, or set its digest to null if yours is meant."
        )


def _check_size(source: Benchmark, found: int) -> None:
    match source:
        case WriterBenchmark() | BackwardBenchmark() | ComposedBenchmark():
            return
        case GymBenchmark():
            expected = source.size
        case FileBenchmark() | FetchedBenchmark():
            expected = source.items
    if expected is not None and found != expected:
        raise DataError(
            f"benchmark '{source.name}' has {found} items; {expected} were expected. Correct its entry among "
            f"benchmarks.sources, or fetch the right file."
        )
