"""Finds rows that repeat an item of a benchmark, and certifies what was looked at and found.

Rules: `decontaminate.ngram`, `decontaminate.whole`, `decontaminate.short_ngram` (`overlap.py` beside this
says what they mean); the evidence is the item's id. The certificate names each benchmark with revision and
digest, the method, and every pair of texts; pairs that differ in their numbers alone stand there too, but
reject nothing and make no item a hit. Questions alone are compared, on both sides. A benchmark that is new is
sought alone: what was found of the others comes from the row store (`benchmark_hits.py`). Costs some 30,000
rows a second and core; rows are read in frames, and memory holds a verdict for each.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import dataframely as dy
import polars as pl
from pydantic import BaseModel

from jz3.core.artifacts import MANIFEST, Out, OutDir
from jz3.core.hashing import content_id
from jz3.curation.benchmark_hits import Benchmark, BenchmarkHits, Found
from jz3.curation.overlap import CLASSES, DecontaminateParams
from jz3.curation.verdicts import VERDICT_SCHEMA, verdict_ledger
from jz3.tables.certificate_manifest import BenchmarkCheck, CertificateManifest
from jz3.tables.hit import Hit
from jz3.tables.item import Item
from jz3.tables.ledger import Ledger

FRAME_ROWS = 50_000
"""Rows compared at a time: some 300 MB of text, words and windows."""
REPORTED_ONLY = "number_masked"
HIT_SCHEMA = Hit.create_empty().schema


class DecontaminateMetrics(BaseModel):
    """What was found."""

    rows: Ledger
    items: int
    hit_items: int
    """Items that some row repeats (the same words with other numbers do not count)."""
    hits_by_class: dict[str, int]
    """Pairs of row and item."""


class Decontamination:
    """Reads rows frame by frame; afterwards it has verdicts, hits and the certificate."""

    def __init__(self, items: dy.DataFrame[Item], params: DecontaminateParams) -> None:
        self._params = params
        self._items = items.select("item_id", "benchmark", "revision", "question")
        self._sought = BenchmarkHits(items, params)
        self._verdicts = [pl.DataFrame(schema=VERDICT_SCHEMA)]
        self._hits = [pl.DataFrame(schema=HIT_SCHEMA)]
        self._digest = content_id()

    def read(self, frames: Iterable[pl.DataFrame], threads: int = 1) -> "Decontamination":
        """Compare the rows of all frames of Problem; their `problem_id` and `problem` are looked at."""
        for frame, found in self._sought.of(frames, threads):
            hits = self._texts(frame, found)
            self._hits.append(hits)
            self._verdicts.append(_verdicts(frame, hits))
            for row_id, text in frame.select("problem_id", "problem").iter_rows():
                self._digest = content_id(self._digest, row_id, text)
        return self

    def verdicts(self) -> pl.DataFrame:
        """One verdict for each row."""
        return pl.concat(self._verdicts)

    def hits(self) -> pl.DataFrame:
        """Table of Hit: every pair of row and item."""
        return pl.concat(self._hits)

    def certificate(self, name: str) -> CertificateManifest:
        """What the rows, as a set of that name, were checked against."""
        hits = self.hits()
        return CertificateManifest(
            certified=name,
            certified_digest=self._digest,
            rows=sum(table.height for table in self._verdicts),
            method=self._params.model_dump(),
            benchmarks=[self._check(benchmark, hits) for benchmark in self._sought.benchmarks],
        )

    def certify(self, name: str, certificate: OutDir[CertificateManifest]) -> None:
        """Leave the manifest and the pairs of text."""
        with certificate.open() as directory:
            Out(Hit, directory / "hits.parquet").write(self.hits())
            _write_manifest(directory, self.certificate(name))

    def metrics(self, read: int) -> DecontaminateMetrics:
        """Of a table of so many rows; raises where one of them has no verdict."""
        hits, verdicts = self.hits(), self.verdicts()
        return DecontaminateMetrics(
            rows=verdict_ledger(verdicts, read),
            items=self._items.height,
            hit_items=_counting(hits)["item_id"].n_unique(),
            hits_by_class=_by_class(hits),
        )

    def _texts(self, frame: pl.DataFrame, found: Sequence[Found]) -> pl.DataFrame:
        """A table of Hit."""
        rows = [row for row, _, _ in found]
        pairs = pl.DataFrame(
            {
                "row_id": frame["problem_id"].gather(rows),
                "row_text": frame["problem"].gather(rows),
                "item": [item for _, item, _ in found],
                "hit_class": [hit_class for _, _, hit_class in found],
            },
            schema={"row_id": pl.String, "row_text": pl.String, "item": pl.UInt32, "hit_class": pl.String},
        )
        items = self._items.rename({"question": "item_text"}).with_row_index("item")
        return (
            pairs.join(items, on="item", how="left", maintain_order="left")
            .select(Hit.column_names())
            .cast(HIT_SCHEMA)
        )

    def _check(self, benchmark: Benchmark, hits: pl.DataFrame) -> BenchmarkCheck:
        items = self._items[benchmark.items]
        found = hits.filter(pl.col("benchmark") == benchmark.name)
        return BenchmarkCheck(
            benchmark=benchmark.name,
            revision=", ".join(sorted(items["revision"].unique().to_list())),
            items=items.height,
            items_digest=benchmark.digest,
            hit_items=_counting(found)["item_id"].n_unique(),
            hits_by_class=_rows_by_class(found),
        )


def _verdicts(frame: pl.DataFrame, hits: pl.DataFrame) -> pl.DataFrame:
    """The strongest hit of each row; `hits` has a row's strongest first."""
    strongest = _counting(hits).unique("row_id", keep="first", maintain_order=True)
    rules = strongest.select(
        "row_id",
        rule=pl.concat_str(pl.lit("decontaminate."), pl.col("hit_class").cast(pl.String)),
        evidence="item_id",
    )
    rows = frame.select(row_id="problem_id")
    return rows.join(rules, on="row_id", how="left", maintain_order="left").cast(VERDICT_SCHEMA)


def _counting(hits: pl.DataFrame) -> pl.DataFrame:
    return hits.filter(pl.col("hit_class") != REPORTED_ONLY)


def _by_class(hits: pl.DataFrame) -> dict[str, int]:
    return {name: hits.filter(pl.col("hit_class") == name).height for name in CLASSES}


def _rows_by_class(hits: pl.DataFrame) -> dict[str, int]:
    return {name: hits.filter(pl.col("hit_class") == name)["row_id"].n_unique() for name in CLASSES}


def _write_manifest(directory: Path, manifest: CertificateManifest) -> None:
    (directory / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n")
