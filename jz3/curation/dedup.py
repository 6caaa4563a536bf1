"""Finds repeated problems among those that `execute` and `filter` kept.

Rows are taken in survivor order, by hash of their id, so that the order of the file does not matter. A row is
dropped by `dedup.exact` where a kept earlier row has the same question but for case, spacing and punctuation,
by `dedup.near` where a kept earlier row that shares a band of its MinHash signature has a Jaccard similarity
of their 5-grams (words, numbers, operators) at or above the threshold. Only kept rows drop others: chains
swallow nothing, a second pass drops nothing, and the evidence names a row that is kept.

The verdicts hold the rows that were judged; what was rejected before is not among them. Solutions are not
read. Costs some 3,000 rows a second, and memory of about 2 KB a row.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl
from pydantic import BaseModel, Field

from jz3.core.hashing import draw_order
from jz3.core.params import Params
from jz3.curation.fingerprints import U64, Texts, jaccard, shingles
from jz3.curation.minhash import band_keys
from jz3.curation.verdicts import VERDICT_SCHEMA, rejected_ids, verdict_ledger
from jz3.tables.ledger import Ledger
from jz3.text.words import tokens

SHINGLE = 5
"""Tokens in a shingle (Lee et al. 2022, and the issue)."""


class DedupParams(Params):
    """When two questions are the same."""

    seed: int
    """Of the survivor order."""
    threshold: float = Field(gt=0, le=1)
    """Least Jaccard similarity of near duplicates."""
    bands: int = Field(ge=1)
    rows_per_band: int = Field(ge=1)
    """MinHash values in a band; bands x rows_per_band permutations are drawn."""


class DedupMetrics(BaseModel):
    """What was dropped."""

    rows: Ledger
    duplicate_share: float
    largest_group: int
    """Rows that one kept row stands for, itself included; 0 where there is none."""


def dedup(
    problems: pl.LazyFrame, earlier: Sequence[pl.DataFrame], params: DedupParams
) -> tuple[pl.DataFrame, DedupMetrics]:
    """Verdicts of the problems that no earlier verdict rejects, and the counts."""
    rows = (
        problems.select("problem_id", "problem")
        .collect()
        .join(rejected_ids(earlier), on="problem_id", how="anti")
    )
    survivors = find_survivors(rows["problem_id"].to_list(), rows["problem"].to_list(), params)
    verdicts = pl.DataFrame(
        [
            {"row_id": row_id, "rule": rule, "evidence": survivor}
            for row_id, (rule, survivor) in survivors.items()
        ],
        schema=VERDICT_SCHEMA,
    )
    ledger = verdict_ledger(verdicts, verdicts.height)
    groups = Counter(survivor or row_id for row_id, (_, survivor) in survivors.items())
    return verdicts, DedupMetrics(
        rows=ledger,
        duplicate_share=1 - ledger.kept / max(ledger.read, 1),
        largest_group=max(groups.values(), default=0),
    )


Finding = tuple[str | None, str | None]
"""Rule and survivor of a dropped row; nothing for a kept one."""


def find_survivors(ids: Sequence[str], questions: Sequence[str], params: DedupParams) -> dict[str, Finding]:
    """What is found of each row, by id."""
    order = sorted(range(len(ids)), key=lambda row: (draw_order(params.seed, ids[row]), ids[row]))
    normalised = [tokens(questions[row]) or questions[row].split() for row in order]
    groups: dict[str, list[int]] = defaultdict(list)
    for place, sequence in enumerate(normalised):
        groups[" ".join(sequence)].append(place)
    firsts = [members[0] for members in groups.values()]  # in survivor order, as the groups came
    sets = shingles(Texts.of(normalised[first] for first in firsts), SHINGLE)
    nearest = _near(sets, params)
    found: dict[str, Finding] = {}
    for number, members in enumerate(groups.values()):
        survivor = nearest.get(number)
        kept = firsts[number if survivor is None else survivor]
        for place in members:
            rule = "dedup.exact" if survivor is None else "dedup.near"
            found[ids[order[place]]] = (None, None) if place == kept else (rule, ids[order[kept]])
    return found


def _near(sets: list[U64], params: DedupParams) -> dict[int, int]:
    """Dropped set to the kept earlier one that is like it; the earliest where there are several."""
    buckets = _shared_buckets(band_keys(sets, params.bands, params.rows_per_band))
    kept_in: dict[int, list[int]] = defaultdict(list)
    dropped: dict[int, int] = {}
    for number in sorted(buckets):
        candidates = sorted({kept for bucket in buckets[number] for kept in kept_in[bucket]})
        alike = _first_alike(sets, number, candidates, params.threshold)
        if alike is None:
            for bucket in buckets[number]:
                kept_in[bucket].append(number)
        else:
            dropped[number] = alike
    return dropped


def _first_alike(sets: list[U64], number: int, candidates: Iterable[int], threshold: float) -> int | None:
    own = sets[number]
    for other in candidates:
        sizes = sorted((len(own), len(sets[other])))
        # The Jaccard similarity is at most the ratio of the sizes.
        if sizes[0] >= threshold * sizes[1] and jaccard(own, sets[other]) >= threshold:
            return other
    return None


def _shared_buckets(keys: U64) -> dict[int, list[int]]:
    """The buckets of each row that shares one with another row; buckets of one row are left out."""
    buckets: dict[int, list[int]] = defaultdict(list)
    first = 0
    for band in range(keys.shape[1]):
        _, bucket_of, sizes = np.unique(keys[:, band], return_inverse=True, return_counts=True)
        shared = np.flatnonzero(sizes[bucket_of] > 1)
        for row, bucket in zip(shared.tolist(), bucket_of[shared].tolist(), strict=True):
            buckets[row].append(first + bucket)
        first += len(sizes)
    return buckets
