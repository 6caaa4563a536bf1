"""What every kind of raw file yields: rows, and what should have been one."""

import re
from dataclasses import dataclass
from typing import Any

from jz3.core.errors import UserError

Row = dict[str, Any]

MOST_BYTES = 32 * 2**20
"""Of a row or a file that is one text (chosen: some ten thousand pages). What is longer is no text of
somebody, and memory stays bounded where a small compressed file holds gigabytes.
"""
EVIDENCE_CHARACTERS = 200
"""Of what is turned away, enough to see why (chosen)."""

_HALF = re.compile("[\ud800-\udfff]")


class RawFileError(UserError):
    """A raw file is damaged or not of the format that its source is read in."""


@dataclass(frozen=True)
class Odd:
    """What should have been a row and is none."""

    rule: str
    """`not_json`, `not_an_object`, `not_utf8`, `too_long`, `columns_differ`, `not_csv`."""
    reason: str
    text: str
    """What is there, shortened."""


Found = tuple[str, Row | Odd]
"""Where in which file (`part-00.jsonl line 7`), and the row."""


def whole(text: str) -> str:
    """The text with halves of surrogate pairs joined, and U+FFFD for a half that stands alone: UTF-8 has no
    halves.
    """
    if not _HALF.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def whole_values(value: Any) -> Any:  # noqa: ANN401 (any JSON)
    """The same, with every text whole."""
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
    """Bytes in another encoding, with a guess which."""
    where = f"byte {error.start + 1}" if line is None else f"line {line}"
    seen = shown(data)
    return Odd(
        "not_utf8",
        f"{where} is {data[error.start]:#x}, which is not UTF-8; it may be {_encoding(data)}",
        seen,
    )


def wide(data: bytes) -> bool:
    """Whether these are characters of two or four bytes: many of them are 0."""
    return data.count(b"\x00") > len(data) // 4


def of_wide(data: bytes) -> Odd:
    """Text in such characters, which as UTF-8 would be full of zeros."""
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
