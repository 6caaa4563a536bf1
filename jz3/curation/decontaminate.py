"""Finds rows that repeat an item of a benchmark, and certifies what was checked and found.

Rules: `decontaminate.ngram`, `decontaminate.whole`, `decontaminate.short_ngram` (defined in `overlap.py`
beside this); the evidence is the item's id. The certificate names each benchmark with revision and digest,
the method, and every pair of texts; it also lists pairs that differ only in their numbers, but these reject
nothing and make no item a hit. Only questions are compared, on both sides. The hits of known benchmarks come
from the row store, so only a new benchmark is searched (`benchmark_hits.py`). Costs a core-second per 30,000
rows or so; rows are read in frames, and memory holds a verdict for each.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import dataframely as dy
import polars as pl
from pydantic import BaseModel

from jz3.core.artifacts import MANIFEST, In, Out, OutDir
from jz3.core.hashing import content_id
from jz3.curation.benchmark_hits import Benchmark, BenchmarkHits, Found
from jz3.curation.overlap import CLASSES, DecontaminateParams
from jz3.curation.verdicts import VERDICT_SCHEMA, verdict_ledger
from jz3.tables.certificate_manifest import BenchmarkCheck, CertificateManifest
from jz3.tables.hit import Hit
from jz3.tables.item import Item
from jz3.tables.ledger import Ledger
from jz3.tables.problem import Problem

FRAME_ROWS = 50_000
"""Rows compared at a time: some 300 MB of text, words and windows."""
REPORTED_ONLY = "number_masked"
HIT_SCHEMA = Hit.create_empty().schema


class DecontaminateMetrics(BaseModel):
    """What was found."""

    rows: Ledger
    items: int
    hit_items: int
    """Items that at least one row repeats (the same words with other numbers do not count)."""
    hits_by_class: dict[str, int]
    """Pairs of row and item, by class."""


@dataclass(frozen=True)
class Decontaminated:
    """Verdicts and hits of all rows."""

    verdicts: pl.DataFrame
    """One for each row."""
    hits: pl.DataFrame
    """Table of Hit: every pair of row and item."""
    digest: str
    """Digest of the rows' ids and texts."""
    items: pl.DataFrame
    benchmarks: Sequence[Benchmark]
    method: DecontaminateParams

    def certificate(self, name: str) -> CertificateManifest:
        """The certificate of the rows as a set with that name."""
        return CertificateManifest(
            certified=name,
            certified_digest=self.digest,
            rows=self.verdicts.height,
            method=self.method.model_dump(),
            benchmarks=[_check(benchmark, self.items, self.hits) for benchmark in self.benchmarks],
        )

    def certify(self, name: str, certificate: OutDir[CertificateManifest]) -> None:
        """Write the manifest and the pairs of text."""
        with certificate.open() as directory:
            Out(Hit, directory / "hits.parquet").write(self.hits)
            _write_manifest(directory, self.certificate(name))

    def metrics(self, read: int) -> DecontaminateMetrics:
        """Metrics for a table of `read` rows. Raises ValueError if a row has no verdict."""
        return DecontaminateMetrics(
            rows=verdict_ledger(self.verdicts, read),
            items=self.items.height,
            hit_items=_counting(self.hits)["item_id"].n_unique(),
            hits_by_class=_by_class(self.hits),
        )


def questions_of(problems: In[Problem]) -> Iterator[pl.DataFrame]:
    """Ids and questions of a table, in the frames under which their hits are stored."""
    return problems.columns("problem_id", "problem", rows=FRAME_ROWS)


def decontaminate(
    frames: Iterable[pl.DataFrame], items: dy.DataFrame[Item], params: DecontaminateParams, threads: int
) -> Decontaminated:
    """Compare the rows of all frames of Problem, of which `problem_id` and `problem` are read."""
    sought = BenchmarkHits(items, params)
    known = items.select("item_id", "benchmark", "revision", "question")
    verdicts, hits = [pl.DataFrame(schema=VERDICT_SCHEMA)], [pl.DataFrame(schema=HIT_SCHEMA)]
    digest = content_id()
    for frame, found in sought.of(frames, threads):
        some = _texts(frame, known, found)
        hits.append(some)
        verdicts.append(_verdicts(frame, some))
        for row_id, text in frame.select("problem_id", "problem").iter_rows():
            digest = content_id(digest, row_id, text)
    return Decontaminated(pl.concat(verdicts), pl.concat(hits), digest, known, sought.benchmarks, params)


def _texts(frame: pl.DataFrame, items: pl.DataFrame, found: Sequence[Found]) -> pl.DataFrame:
    """The hits as a table of Hit."""
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
    numbered = items.rename({"question": "item_text"}).with_row_index("item")
    joined = pairs.join(numbered, on="item", how="left", maintain_order="left")
    return joined.select(Hit.column_names()).cast(HIT_SCHEMA)


def _check(benchmark: Benchmark, all_items: pl.DataFrame, hits: pl.DataFrame) -> BenchmarkCheck:
    items = all_items[benchmark.items]
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
    """A verdict for each row, by its strongest hit; `hits` lists a row's strongest first."""
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
