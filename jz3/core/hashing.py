"""Names by content: ids of rows, digests of files, the order that draws follow.

A draw is the n rows with the least `draw_order(seed, id)`: a larger corpus moves no row that was drawn for
its hash, so that what was paid for stays drawn.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson


def content_id(*parts: str) -> str:
    """128 bits of hex for a row, from the texts that determine it. `("ab", "c")` and `("a", "bc")` differ."""
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


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_json(value: Mapping[str, Any]) -> str:
    """The same text for the same content: sorted keys, no blanks, no NaN."""
    if _is_plain(value):
        try:
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
        except orjson.JSONEncodeError:
            pass  # a lone surrogate, which models do write
    return _ENCODER.encode(value)


LARGE_INT = 1 << 63
SMALLEST_PLAIN, LARGEST_PLAIN = 1e-4, 1e15
"""Between them a float is written without an exponent, of which the two encoders have different forms."""


def _is_plain(value: Any) -> bool:  # noqa: ANN401 (any JSON)
    """Whether the fast encoder writes it as the one of the standard library, by which keys were made."""
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
    """Digest of files and their places under `root`."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(paths):
        digest.update(str(path.relative_to(root)).encode() + b"\x00")
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
