"""How much of a problem is copied from the passage that inspired it.

Problems and passages are joined in shares, by the hash of the passage's id, so that some hundreds of
megabytes of text are in memory at once. Costs one read of both tables per share, and some 20 microseconds per
problem.
"""

import numpy as np
import polars as pl
from pydantic import Field

from jz3.core.params import Params
from jz3.curation.patterns import WORD, Share
from jz3.curation.repetition import coded
from jz3.curation.windows import windows

SHARE_ROWS = 300_000
"""Approximate number of problems in one share."""


class Copying(Params):
    """When a problem counts as copied."""

    ngram: int = Field(ge=1)
    """Consecutive words that count as copied if the passage has them, too."""
    most: Share
    """The largest share of the problem's windows of this many words."""


def copied_rows(problems: pl.LazyFrame, passages: pl.LazyFrame, bounds: Copying) -> pl.DataFrame:
    """Columns `row_id` and `evidence` of the problems that copy too much of their passage."""
    pairs = problems.select("problem_id", "passage_id", "problem").filter(pl.col("passage_id").is_not_null())
    texts = passages.select("passage_id", "text")
    shares = 1 + pairs.select(pl.len()).collect().item() // SHARE_ROWS
    found = [
        _copied(
            _of_share(pairs, share, shares).join(_of_share(texts, share, shares), on="passage_id"), bounds
        )
        for share in range(shares)
    ]
    return pl.concat(found)


def copied_shares(
    texts: pl.Series, passages: pl.Series, n: int
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Share of each text's windows of n words that its passage contains; 0 if the text has no window."""
    both = pl.concat([texts, passages]).str.to_lowercase().str.extract_all(WORD)
    found = windows(coded(both), n)
    count = texts.len()
    of_text = found.texts < count
    owners = np.where(of_text, found.texts, found.texts - count)
    keys = (owners.astype(np.uint64) << np.uint64(40)) | (found.hashes >> np.uint64(24))
    copied = np.isin(keys[of_text], keys[~of_text])
    totals = np.bincount(owners[of_text], minlength=count)
    return np.bincount(owners[of_text], weights=copied, minlength=count) / np.maximum(totals, 1)


def _of_share(rows: pl.LazyFrame, share: int, shares: int) -> pl.LazyFrame:
    return rows.filter(pl.col("passage_id").hash() % shares == share)


def _copied(pairs: pl.LazyFrame, bounds: Copying) -> pl.DataFrame:
    frame = pairs.collect()
    shares = pl.Series(
        "share", copied_shares(frame["problem"], frame["text"], bounds.ngram), dtype=pl.Float64
    )
    over = frame.with_columns(shares).filter(pl.col("share") > bounds.most)
    return over.select(
        row_id="problem_id",
        evidence=pl.format(
            "{} of its {}-grams: {}",
            pl.col("share").round(3),
            pl.lit(bounds.ngram),
            pl.col("problem").str.slice(0, 150),
        ),
    )
