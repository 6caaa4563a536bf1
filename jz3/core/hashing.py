"""Names by content: ids of rows, digests of files, the order that draws follow.

A draw takes the n rows with the smallest `draw_order(seed, id)`. A row's number does not depend on the other
rows: when the corpus grows, only new rows with smaller numbers displace rows that were drawn and paid for.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def content_id(*parts: str) -> str:
    """128 bits of hex that identify a row by its texts. `("ab", "c")` and `("a", "bc")` differ."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return digest.hexdigest()


def draw_order(seed: int, row_id: str) -> int:
    """A 63-bit number by which rows are drawn or shuffled."""
    digest = hashlib.blake2b(f"{seed}\x00{row_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def draw_orders(seed: int, row_ids: Iterable[str]) -> "npt.NDArray[np.int64]":
    """The `draw_order` of each id, in half of the time because the seed is hashed once."""
    import numpy as np

    seeded = hashlib.blake2b(f"{seed}\x00".encode(), digest_size=8)
    digests = bytearray()
    for row_id in row_ids:
        digest = seeded.copy()
        digest.update(row_id.encode())
        digests += digest.digest()
    return (np.frombuffer(digests, ">u8") >> 1).astype(np.int64)


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_json(value: Mapping[str, Any]) -> str:
    """The same text for equal content: sorted keys, no blanks, no NaN."""
    if _is_plain(value):
        try:
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
        except orjson.JSONEncodeError:
            pass  # a lone surrogate, which models do write
    return _ENCODER.encode(value)


LARGE_INT = 1 << 63
SMALLEST_PLAIN, LARGEST_PLAIN = 1e-4, 1e15
"""Both encoders write a float between these without an exponent; they write exponents differently."""


def _is_plain(value: Any) -> bool:  # noqa: ANN401 (any JSON)
    """Whether the fast encoder writes a value as the standard library does, whose text the keys are made
    of.
    """
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return -LARGE_INT <= value < LARGE_INT
    if kind is float:
        return value == 0 or SMALLEST_PLAIN <= abs(value) < LARGEST_PLAIN
    if kind is dict:
        for key, held in value.items():  # as a loop it takes half the time of `all`
            if type(key) is not str or not (type(held) is str or _is_plain(held)):
                return False
        return True
    return (kind is list or kind is tuple) and all(map(_is_plain, value))


def files_digest(paths: Iterable[Path], root: Path) -> str:
    """The digest of files' contents and of their paths under `root`."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(paths):
        digest.update(str(path.relative_to(root)).encode() + b"\x00")
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
