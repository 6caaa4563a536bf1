"""Which rows repeat which items: searched per benchmark, through the row store.

The hits between a frame of rows and one benchmark are stored under the texts of both and the method. So if a
tenth benchmark is added, or one gets a new revision, only that one is searched, and the other nine are read
from the store; all benchmarks that a frame still lacks are searched in one pass. Neither the cut into frames
nor the store changes a hit. Costs, apart from the search: a digest of each text, and a record for each frame
and benchmark.
"""

import hashlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl

from jz3.core.hashing import content_id
from jz3.core.thread_map import thread_map
from jz3.curation.fingerprints import I64
from jz3.curation.overlap import CLASSES, DecontaminateParams, ItemIndex
from jz3.store.row_store import Operation, RowStore, open_store, request_key
from jz3.tables.item import Item

log = logging.getLogger(__name__)

HITS = Operation("decontaminate", 2)

Found = tuple[int, int, str]
"""Numbers of a row and an item, and the class."""


@dataclass(frozen=True)
class Benchmark:
    """One benchmark's items among all of them."""

    name: str
    items: I64
    """Their numbers, in order of id."""
    digest: str
    """Digest of ids and questions."""


@dataclass(frozen=True)
class ComparedFrame:
    """A frame of rows, the hits that the store has, and what is left to search."""

    frame: pl.DataFrame
    known: dict[str, list[Found]]
    """Stored hits by the name of the benchmark; items are numbered within it."""
    requests: dict[str, dict[str, Any]]
    """Requests for the benchmarks that the store lacks."""
    index: ItemIndex | None
    """The items of these benchmarks; None if there are none."""


class BenchmarkHits:
    """The questions of all benchmarks, to search for in frames of rows."""

    def __init__(self, items: dy.DataFrame[Item], params: DecontaminateParams) -> None:
        self._questions = items["question"]
        self._method = params
        self.benchmarks = [_benchmark(items, name) for name in sorted(items["benchmark"].unique().to_list())]
        self._indexes: dict[tuple[str, ...], ItemIndex] = {}

    def of(self, frames: Iterable[pl.DataFrame], threads: int) -> Iterator[tuple[pl.DataFrame, list[Found]]]:
        """Each frame with its hits, sorted by row, then class (strongest first), then item.

        Items are numbered over all benchmarks. Only the column `problem` is read.
        """
        store = open_store()
        rows = parts = looked_up = 0
        with store.writer(HITS) as writer:
            for part, sought in thread_map(
                self._sought, (self._compared(frame, store) for frame in frames), threads
            ):
                hits = dict(part.known)
                for name, request in part.requests.items():
                    hits[name] = sought[name]
                    writer.append(request_key(HITS, request), request, {"hits": sought[name]})
                writer.commit()
                rows, parts, looked_up = rows + part.frame.height, parts + 1, looked_up + len(part.known)
                yield part.frame, self._numbered(hits)
        log.info(
            "%d rows against %d benchmarks: %d of %d checks were in the store",
            rows, len(self.benchmarks), looked_up, parts * len(self.benchmarks),
        )  # fmt: skip

    def _compared(self, frame: pl.DataFrame, store: RowStore) -> ComparedFrame:
        rows = _digest(frame["problem"])
        method = self._method.model_dump()
        requests = {
            benchmark.name: {"method": method, "items": benchmark.digest, "rows": rows}
            for benchmark in self.benchmarks
        }
        keys = {name: request_key(HITS, request) for name, request in requests.items()}
        found = store.known(HITS, keys.values())
        known = {name: found[key]["hits"] for name, key in keys.items() if key in found}
        lacking = {name: request for name, request in requests.items() if name not in known}
        return ComparedFrame(frame, known, lacking, self._index(tuple(lacking)) if lacking else None)

    def _index(self, names: tuple[str, ...]) -> ItemIndex:
        """An index of the items of several benchmarks, one benchmark after the other."""
        if names not in self._indexes:
            numbers = np.concatenate([b.items for b in self.benchmarks if b.name in names])
            self._indexes[names] = ItemIndex(self._questions.gather(numbers), self._method)
        return self._indexes[names]

    def _sought(self, part: ComparedFrame) -> tuple[ComparedFrame, dict[str, list[Found]]]:
        """The hits between a part's rows and the benchmarks that the store lacks."""
        names = list(part.requests)
        found: dict[str, list[Found]] = {name: [] for name in names}
        if part.index is not None:
            sizes = [len(benchmark.items) for benchmark in self.benchmarks if benchmark.name in found]
            ends = np.cumsum(sizes)
            for (row, item), hit_class in part.index.hits(part.frame["problem"]).items():
                benchmark = int(np.searchsorted(ends, item, side="right"))
                found[names[benchmark]].append(
                    (row, item - int(ends[benchmark]) + sizes[benchmark], hit_class)
                )
        return part, found

    def _numbered(self, hits: dict[str, list[Found]]) -> list[Found]:
        numbered = [
            (row, int(benchmark.items[item]), hit_class)
            for benchmark in self.benchmarks
            for row, item, hit_class in hits[benchmark.name]
        ]
        return sorted(numbered, key=lambda hit: (hit[0], CLASSES.index(hit[2]), hit[1]))


def _benchmark(items: dy.DataFrame[Item], name: str) -> Benchmark:
    own = items.with_row_index("number").filter(pl.col("benchmark") == name).sort("item_id")
    texts: Iterator[Any] = own.select("item_id", "question").iter_rows()
    return Benchmark(
        name=name,
        items=own["number"].to_numpy().astype(np.int64),
        digest=content_id(*(text for row in texts for text in row)),
    )


def _digest(texts: pl.Series) -> str:
    """128 bits of hex, which differ if the texts or their order do."""
    digest = hashlib.blake2b(texts.str.len_bytes().to_numpy().tobytes(), digest_size=16)
    digest.update("".join(texts.to_list()).encode())
    return digest.hexdigest()
