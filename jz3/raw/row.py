"""What every kind of raw file yields: rows, and things that should have been rows."""

import re
from dataclasses import dataclass
from typing import Any

from jz3.core.errors import UserError

Row = dict[str, Any]

MOST_BYTES = 32 * 2**20
"""The largest row, or file that is one text, in bytes (chosen: some ten thousand pages). Anything longer is
not a text that a person wrote; the limit also bounds memory if a small compressed file expands to gigabytes.
"""
EVIDENCE_CHARACTERS = 200
"""Characters shown of what is rejected: enough to see why (chosen)."""

_HALF = re.compile("[\ud800-\udfff]")


class RawFileError(UserError):
    """A raw file is damaged, or not in the format in which its source is read."""


@dataclass(frozen=True)
class Odd:
    """Something that should have been a row."""

    rule: str
    """`not_json`, `not_an_object`, `not_utf8`, `too_long`, `columns_differ`, `not_csv`."""
    reason: str
    text: str
    """Its content, shortened."""


Found = tuple[str, Row | Odd]
"""The location (`part-00.jsonl line 7`), and the row."""


def whole(text: str) -> str:
    """The text with surrogate pairs joined, and U+FFFD for a lone surrogate, which UTF-8 cannot represent."""
    if not _HALF.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def whole_values(value: Any) -> Any:  # noqa: ANN401 (any JSON)
    """The same value, with `whole` applied to every text."""
    match value:
        case str():
            return whole(value)
        case dict():
            return {whole_values(key): whole_values(held) for key, held in value.items()}
        case list():
            return [whole_values(held) for held in value]
        case _:
            return value


def not_utf8(data: bytes, error: UnicodeDecodeError, line: int | None = None) -> Odd:
    """The error for bytes in another encoding, with a guess at which."""
    where = f"byte {error.start + 1}" if line is None else f"line {line}"
    seen = shown(data)
    return Odd(
        "not_utf8",
        f"{where} is {data[error.start]:#x}, which is not UTF-8; it may be {_encoding(data)}",
        seen,
    )


def wide(data: bytes) -> bool:
    """Whether the bytes are characters of two or four bytes: many of them are 0."""
    return data.count(b"\x00") > len(data) // 4


def of_wide(data: bytes) -> Odd:
    """The error for text in such characters, which as UTF-8 would be full of zeros."""
    return Odd("not_utf8", "it is UTF-16 or UTF-32 without a byte order mark", shown(data))


def _encoding(data: bytes) -> str:
    if wide(data):
        return "UTF-16 without a byte order mark"
    if re.search(rb"[\x80-\x9f]", data):
        return "windows-1252 or another encoding of a single language"
    return "ISO 8859-1 (Latin-1)"


def shown(data: bytes) -> str:
    """The beginning of bytes as text."""
    return data[:EVIDENCE_CHARACTERS].decode("utf-8", "replace").replace("\x00", "\ufffd")
