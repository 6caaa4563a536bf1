"""Finds repeated problems among those that `execute` and `filter` kept.

Rows are taken in survivor order, by hash of their id, so that the order of the file does not matter. A row is
dropped because of a kept earlier row in two cases:

- `dedup.exact`: both have the same question, ignoring case, spacing and punctuation.
- `dedup.near`: both share a band of their MinHash signatures, and the Jaccard similarity of their 5-grams
  (words, numbers, operators) is at or above the threshold.

Only kept rows drop others: so chains drop nothing extra, a second pass drops nothing, and the evidence names
a row that is kept.

The problems of earlier releases, known by their indexes (`released.py` beside this), come before all rows and
are always kept: a row that repeats one is dropped by `dedup.released`, with its id as evidence. So two sets
judged one after the other keep the same rows as both together with the earlier one first in the survivor
order.

The verdicts cover the rows that were judged, not those rejected before. Texts are read three times, in
batches: for the signatures of all rows, for the 5-grams of rows that share a band with another, and for the
index of kept rows; solutions are read only if the table has a source in which they count. Costs a core-second
per 20,000 rows or so; memory of about 0.3 KB per row, and disk of 0.7 KB for each row that shares a band and
each that is kept. (Two equal questions have one 64-bit hash, and two different ones with a chance of 1 in
2^64.)
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import BaseModel, Field

from jz3.core.hashing import draw_order
from jz3.core.params import Params, Seed
from jz3.core.thread_map import thread_map
from jz3.curation.fingerprints import I64, U64, Sets, gathered, sequence_hashes, shingles
from jz3.curation.minhash import ALONE, I32, U32, band_keys, shared_buckets
from jz3.curation.released import Released, index_frame
from jz3.curation.survivors import KEPT, survivors
from jz3.curation.verdicts import VERDICT_SCHEMA, rejected_ids, verdict_ledger
from jz3.tables.ledger import Ledger
from jz3.text.word_hashes import hashed_tokens

SHINGLE = 5
"""Tokens in a shingle (Lee et al. 2022)."""
BATCH_ROWS = 50_000
"""Questions read at a time: some 100 MB with their hashes."""


class DedupParams(Params):
    """When two questions are the same."""

    seed: Seed
    """The seed of the survivor order."""
    threshold: float = Field(gt=0, le=1)
    """The lowest Jaccard similarity of near duplicates."""
    bands: int = Field(ge=1)
    rows_per_band: int = Field(ge=1)
    """MinHash values in a band; bands x rows_per_band permutations are drawn."""
    releases: list[str]
    """Earlier releases that a problem must not repeat: names of folders under `data/raw/releases`."""
    with_solution: list[str]
    """Sources in which two rows are the same only if question and solution are: those that should have
    several solutions per question.
    """


class DedupMetrics(BaseModel):
    """What was dropped."""

    rows: Ledger
    duplicate_share: float
    largest_group: int
    """Rows that one kept row stands for, including itself; 0 if there is none."""


@dataclass(frozen=True)
class Judged:
    """Problems that no earlier verdict rejects, in the order of the table."""

    problems: pl.LazyFrame
    chosen: pl.Series
    """For each row of the table, whether it is one of them."""
    ids: pl.Series
    with_solution: list[str]
    """Sources whose compared text is the question with its solution."""
    threads: int
    """How many threads hash texts."""
    digests: U64
    """A digest of the words of each text."""
    keys: U32
    """[bands, rows]: keys of their MinHash signatures."""

    def sets(self, chosen: npt.NDArray[np.bool_]) -> Iterator[Sets]:
        """The 5-grams of the chosen rows, in order; `chosen` has a truth value for each row of the table."""
        texts = _texts(self.problems, self.with_solution, pl.Series(chosen))
        return thread_map(_sets, texts, self.threads)


@dataclass(frozen=True)
class Deduped:
    """Verdicts of the judged rows, in their order, and the counts."""

    judged: Judged
    verdicts: pl.DataFrame
    metrics: DedupMetrics

    def index(self) -> Iterator[pl.DataFrame]:
        """Frames of QuestionIndex: the rows that were kept."""
        judged, kept = self.judged, self.verdicts["rule"].is_null().to_numpy()
        chosen = judged.chosen.to_numpy().copy()
        chosen[chosen] = kept
        rows = np.flatnonzero(kept)
        start = 0
        for sets in judged.sets(chosen):
            some = rows[start : start + len(sets)]
            start += len(sets)
            yield index_frame(judged.ids.gather(some), judged.digests[some], judged.keys[:, some], sets)


def dedup(
    problems: pl.LazyFrame,
    earlier: Sequence[pl.DataFrame],
    released: Released,
    params: DedupParams,
    threads: int,
    scratch: Path,
) -> Deduped:
    """Judge the problems that no earlier verdict rejects.

    - `threads`: how many threads hash texts.
    - `scratch`: a folder for an unnamed file, which a killed run does not leave behind; it is created if
      missing.
    """
    judged = _judged(problems, earlier, params, threads)
    order = np.argsort(_draws(judged.ids, params.seed), kind="stable")
    # From here on, places: those of the released problems, then those of the judged rows in survivor order.
    before = len(released)
    firsts, group_of = _groups(np.concatenate([released.digests, judged.digests[order]]))
    nearest = _nearest(judged, order, released, firsts, params, scratch)
    kept_first = np.where(nearest != KEPT, nearest, np.arange(len(firsts)))
    ends = firsts[kept_first[group_of]][before:]
    near = (nearest != KEPT)[group_of][before:]
    survivor, is_near = np.empty_like(ends), np.empty_like(near)
    survivor[order] = np.where(ends < before, ends, before + order[np.maximum(ends - before, 0)])
    is_near[order] = near
    verdicts = _verdicts(released.ids, judged.ids, survivor, is_near)
    ledger = verdict_ledger(verdicts, len(judged.ids))
    metrics = DedupMetrics(
        rows=ledger,
        duplicate_share=(ledger.read - ledger.kept) / max(ledger.read, 1),
        largest_group=int(np.bincount(survivor[survivor >= before]).max(initial=0)),
    )
    return Deduped(judged, verdicts, metrics)


def _judged(
    problems: pl.LazyFrame, earlier: Sequence[pl.DataFrame], params: DedupParams, threads: int
) -> Judged:
    all_ids = problems.select("problem_id").collect()["problem_id"]
    chosen = ~all_ids.is_in(rejected_ids(earlier)["problem_id"].implode())
    ids = all_ids.filter(chosen)
    with_solution = _present(problems, params.with_solution)
    signed = _signatures(_texts(problems, with_solution, chosen), len(ids), params, threads)
    return Judged(problems, chosen, ids, with_solution, threads, *signed)


def _present(problems: pl.LazyFrame, sources: Sequence[str]) -> list[str]:
    """The sources of which the table has rows; if there are none, no solution need be read."""
    if not sources:
        return []
    return (
        problems.select(pl.col("source").filter(pl.col("source").is_in(sources)).unique())
        .collect()["source"]
        .to_list()
    )


def _verdicts(released: pl.Series, ids: pl.Series, survivor: I64, near: np.ndarray) -> pl.DataFrame:
    """A table of Verdict. `survivor` gives, for each row, the number of a released id or, after those, of an
    id.
    """
    names = {"row_id": ids, "survivor": pl.concat([released, ids]).gather(survivor), "near": near}
    dropped = pl.Series(survivor != len(released) + np.arange(len(ids)))
    rule = (
        pl.when(pl.Series(survivor < len(released)))
        .then(pl.lit("dedup.released"))
        .when("near")
        .then(pl.lit("dedup.near"))
        .otherwise(pl.lit("dedup.exact"))
    )
    return pl.DataFrame(names).select(
        "row_id", rule=pl.when(dropped).then(rule), evidence=pl.when(dropped).then("survivor")
    ).cast(VERDICT_SCHEMA)  # fmt: skip


def _draws(ids: pl.Series, seed: int) -> I64:
    """The numbers that define the survivor order; equal ones (one pair in 2^63) are ordered by id."""
    return np.fromiter((draw_order(seed, row_id) for row_id in ids), np.int64, len(ids))


def _texts(problems: pl.LazyFrame, with_solution: Sequence[str], chosen: pl.Series) -> Iterator[pl.Series]:
    """The compared texts of the chosen rows, in batches; `chosen` has a truth value for each row."""
    text = pl.col("problem")
    if with_solution:
        both = pl.concat_str("problem", "solution", separator="\n")
        text = pl.when(pl.col("source").is_in(with_solution)).then(both).otherwise(text)
    start = 0
    for batch in problems.select(text=text).collect_batches(chunk_size=BATCH_ROWS, maintain_order=True):
        yield batch["text"].filter(chosen.slice(start, batch.height))
        start += batch.height


def _signatures(texts: Iterable[pl.Series], rows: int, params: DedupParams, threads: int) -> tuple[U64, U32]:
    """For each of `rows` texts a hash of its words, and its MinHash keys [bands, rows]."""

    def signed(questions: pl.Series) -> tuple[U64, U32]:
        words = hashed_tokens(questions)
        keys = band_keys(shingles(words, SHINGLE), params.bands, params.rows_per_band)
        return sequence_hashes(words), keys

    digests, keys = np.empty(rows, dtype=np.uint64), np.empty((params.bands, rows), dtype=np.uint32)
    start = 0
    for some_digests, some_keys in thread_map(signed, texts, threads):
        end = start + len(some_digests)
        digests[start:end], keys[:, start:end] = some_digests, some_keys
        start = end
    return digests, keys


def _groups(digests: U64) -> tuple[I64, I64]:
    """The first place of each digest, ascending, and for each place the number of its group among these."""
    _, first, group_of = np.unique(digests, return_index=True, return_inverse=True)
    ascending = np.argsort(first)
    number = np.empty(len(first), dtype=np.int64)
    number[ascending] = np.arange(len(first))
    return first[ascending], number[group_of]


def _nearest(
    judged: Judged, order: I64, released: Released, firsts: I64, params: DedupParams, scratch: Path
) -> I64:
    """For each of the first places (released problems, then judged rows in `order`), the number among them of
    a similar kept one, or KEPT.
    """
    found = np.full(len(firsts), KEPT, dtype=np.int64)
    before = int(np.searchsorted(firsts, len(released)))
    old, rows = firsts[:before], order[firsts[before:] - len(released)]
    keys = (
        np.concatenate([theirs[old], ours[rows]])
        for theirs, ours in zip(released.keys, judged.keys, strict=True)
    )
    buckets = shared_buckets(keys, params.bands, len(firsts))
    sharing = _sharing(buckets, before)
    buckets = np.take(buckets.T, sharing, axis=0)
    given = int(np.searchsorted(sharing, before))
    chosen_before = np.zeros(len(released), dtype=np.bool_)
    chosen_before[old[sharing[:given]]] = True
    places = np.flatnonzero(judged.chosen.to_numpy())[rows[sharing[given:] - before]]
    chosen = np.zeros(len(judged.chosen), dtype=np.bool_)
    chosen[places] = True
    scratch.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=scratch) as file:
        sets = gathered(chain(released.sets(chosen_before), judged.sets(chosen)), file)
        # Numbers of the sets in the file, which are in the order of the tables.
        numbers = np.concatenate([np.arange(given), given + np.argsort(np.argsort(places))])
        nearest = survivors(sets, numbers, given, buckets, params.threshold)
    found[sharing] = np.where(nearest == KEPT, KEPT, sharing[nearest])
    return found


def _sharing(buckets: I32, before: int) -> I64:
    """The places that share a bucket with a place from `before` on."""
    met = np.zeros(buckets.max(initial=ALONE) + 2, dtype=np.bool_)
    for band in buckets:
        met[band[before:]] = True  # ALONE is -1 and so sets the last one, which stands for no bucket
    met[ALONE] = False
    shares = np.zeros(buckets.shape[1], dtype=np.bool_)
    for band in buckets:
        shares |= met[band]
    return np.flatnonzero(shares)


def _sets(questions: pl.Series) -> Sets:
    return shingles(hashed_tokens(questions), SHINGLE)
