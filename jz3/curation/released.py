"""The index of the problems that `dedup` kept, with which a later set is compared.

Promises: with the indexes of the earlier releases none of their texts are needed: ids, hashes and MinHash
keys decide as the questions themselves would. An index records the bands it was made with, and one with other
bands is refused. Costs some 0.7 KB of disk per problem, and memory of 4 bytes per problem and band and of the
5-grams of those problems that share a band with a later one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from jz3.core.artifacts import In, InFiles
from jz3.core.errors import UserError
from jz3.curation.fingerprints import U64, Sets
from jz3.curation.minhash import U32
from jz3.tables.question_index import QuestionIndex

FRAME_ROWS = 50_000
"""Rows of an index read at a time: some 40 MB."""
HASHES = "2"
"""The version of the hashes of words, windows and bands; a golden test says when they need a new one."""


class ReleaseError(UserError):
    """A release that the parameters name is missing, or its index was made in another way."""


def index_notes(bands: int, rows_per_band: int) -> dict[str, str]:
    """What two indexes must have in common to be comparable."""
    return {"hashes": HASHES, "bands": str(bands), "rows_per_band": str(rows_per_band)}


def index_frame(ids: pl.Series, digests: U64, keys: U32, sets: Sets) -> pl.DataFrame:
    """A frame of QuestionIndex; `keys` are [bands, rows]."""
    bands = np.arange(len(ids) + 1) * len(keys)
    return pl.DataFrame(
        {
            "problem_id": ids,
            "words_hash": digests,
            "band_keys": _lists(np.ascontiguousarray(keys.T).ravel(), bands),
            "shingles": _lists(sets.values, sets.starts),
        },
        schema=QuestionIndex.create_empty().schema,
    )


def _lists(values: npt.NDArray[Any], starts: npt.NDArray[np.int64]) -> pl.Series:
    lists = pl.from_arrow(pa.LargeListArray.from_arrays(starts, values))
    assert isinstance(lists, pl.Series)
    return lists


@dataclass(frozen=True)
class Released:
    """The problems of all earlier releases, in the order of the releases."""

    tables: Sequence[In[QuestionIndex]]
    ids: pl.Series
    digests: U64
    keys: U32
    """[bands, rows]."""

    def __len__(self) -> int:
        return len(self.ids)

    def sets(self, chosen: npt.NDArray[np.bool_]) -> Iterator[Sets]:
        """The 5-grams of the chosen problems, in order; `chosen` has a truth value for each problem."""
        start = 0
        for table in self.tables:
            for frame in table.columns("shingles", rows=FRAME_ROWS):
                lists = frame["shingles"].filter(pl.Series(chosen[start : start + frame.height]))
                start += frame.height
                lengths = lists.list.len().to_numpy()
                values = lists.list.explode(empty_as_null=False).to_numpy()
                yield Sets(
                    values, np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
                )


def read_releases(directory: InFiles, names: Sequence[str], notes: Mapping[str, str]) -> Released:
    """The indexes of the named releases, each in a folder of the directory. Raises ReleaseError."""
    tables = [_table(directory, name, notes) for name in names]
    bands = int(notes["bands"])
    ids, digests, keys = (
        [pl.Series(dtype=pl.String)],
        [np.empty(0, np.uint64)],
        [np.empty((bands, 0), np.uint32)],
    )
    for table in tables:
        for frame in table.columns("problem_id", "words_hash", "band_keys", rows=FRAME_ROWS):
            ids.append(frame["problem_id"])
            digests.append(frame["words_hash"].to_numpy())
            found = frame["band_keys"].list.explode(empty_as_null=False).to_numpy()
            keys.append(found.reshape(frame.height, bands).T)
    return Released(tables, pl.concat(ids), np.concatenate(digests), np.concatenate(keys, axis=1))


def _table(directory: InFiles, name: str, notes: Mapping[str, str]) -> In[QuestionIndex]:
    table = In(QuestionIndex, directory.path / name)
    if not table.path.is_dir():
        raise ReleaseError(
            f"{table.path} does not exist, which dedup.releases names; the index of an earlier release was "
            f"expected. Copy that release's data/dedup_index/RECIPE there."
        )
    found = table.notes()
    if found != notes:
        raise ReleaseError(
            f"{table.path} was made with {_said(found)}; dedup now has {_said(notes)}. "
            f"Set dedup as it was for that release, or make that index again."
        )
    return table


def _said(notes: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in notes.items())
