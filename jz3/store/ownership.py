"""Whether a row belongs where it is: its key is recomputed from the request that is stored with it.

This reveals files from another operation's directory, and rows that were forged to answer a different
request. It cannot show that a result was really computed: whoever may write to a shared place is trusted with
that.
"""

import json
from collections.abc import Sequence

from jz3.core.hashing import canonical_json, content_id
from jz3.store.records import HEADER, decode_row, request_of

KEYED_BY = {"sent": ("attempt",)}
"""Operations whose key may be made from part of the request, and the fields of that part."""


def is_of(operation: str, record: bytes) -> bool:
    """Whether a whole record belongs to an operation, such as `chat@1`."""
    name, _, version = operation.rpartition("@")
    key = HEADER.unpack_from(record)[1].hex()
    try:
        request = request_of(record).decode("utf-8", "surrogatepass")
        return key == content_id(name, version, request) or (
            name in KEYED_BY and key == content_id(name, version, _part(request, KEYED_BY[name]))
        )
    except ValueError:  # not UTF-8, or not JSON
        return False


def _part(request: str, names: Sequence[str]) -> str:
    whole = json.loads(request)
    return canonical_json({name: whole[name] for name in names if name in whole})


def is_readable(record: bytes) -> bool:
    """Whether request and result are JSON objects."""
    try:
        row = decode_row(record)
    except (ValueError, RecursionError):
        return False
    return isinstance(row.request, dict) and isinstance(row.result, dict)  # pyright: ignore[reportUnnecessaryIsInstance]
