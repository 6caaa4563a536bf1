"""The lines of a file, plain or compressed, in bounded memory.

Byte order marks are respected: UTF-8 with a mark, UTF-16 and UTF-32 become UTF-8 without one.
"""

import bz2
import codecs
import gzip
import io
import lzma
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from jz3.raw.row import MOST_BYTES, Odd, RawFileError, shown

COMPRESSIONS = (".gz", ".bz2", ".xz", ".zst")
DAMAGE = (EOFError, zlib.error, lzma.LZMAError, OSError, UnicodeDecodeError)
"""Errors of the decompressors. Their `try` blocks contain only reading."""

MARKS = (  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
CHUNK = 2**20


def lines(file: Path) -> Iterator[tuple[int, bytes | Odd]]:
    """Each line in UTF-8 with its number, from 1. A line longer than MOST_BYTES is skipped and odd.

    Raises RawFileError if a file cannot be decompressed or decoded.
    """
    number = 0
    try:
        with _opened(file) as stream:
            encoding = _encoding(stream)
            if encoding:
                yield from _decoded(stream, encoding)
                return
            while line := stream.readline(MOST_BYTES + 1):
                number += 1
                if len(line) > MOST_BYTES:
                    _pass_over(stream, line)
                    yield number, _too_long(line)
                else:
                    yield number, line.removeprefix(codecs.BOM_UTF8)
    except DAMAGE as error:
        raise damaged(file, f"line {number}", error) from error


def read_bytes(file: Path) -> bytes | Odd:
    """A whole file in UTF-8 (whose bytes are not checked), or what is wrong with it."""
    try:
        with _opened(file) as stream:
            encoding = _encoding(stream)
            data = stream.read(MOST_BYTES + 1)
    except DAMAGE as error:
        raise damaged(file, "its beginning", error) from error
    if len(data) > MOST_BYTES:
        return _too_long(data)
    if not encoding:
        return data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode(encoding).encode("utf-8", "replace")
    except UnicodeDecodeError as error:
        return Odd("not_utf8", f"byte {error.start + 1} is not {encoding}, as the mark says", shown(data))


def damaged(file: Path, place: str, error: Exception) -> RawFileError:
    """The error for a file that breaks off."""
    reason = " ".join(str(error).split())[:200]
    return RawFileError(
        f"{file} is damaged after {place} ({type(error).__name__}: {reason}); an intact file was expected. "
        f"Fetch it again, or remove it."
    )


@contextmanager
def _opened(file: Path) -> Generator[IO[bytes]]:
    with _stream(file) as stream, io.BufferedReader(stream, CHUNK) as buffered:
        yield cast("IO[bytes]", buffered)


def _stream(file: Path) -> Any:  # noqa: ANN401 (raw streams that agree in their methods alone)
    match file.suffix.lower():
        case ".gz":
            return gzip.GzipFile(file)
        case ".bz2":
            return bz2.BZ2File(file)
        case ".xz":
            return lzma.LZMAFile(file)
        case ".zst":
            import pyarrow as pa

            return pa.input_stream(file, compression="zstd")
        case _:
            return file.open("rb", buffering=0)


def _encoding(stream: IO[bytes]) -> str | None:
    """The encoding that the byte order mark indicates; None for UTF-8."""
    start = cast("io.BufferedReader", stream).peek(4)[:4]
    return next((encoding for mark, encoding in MARKS if start.startswith(mark)), None)


def _decoded(stream: IO[bytes], encoding: str) -> Iterator[tuple[int, bytes | Odd]]:
    with io.TextIOWrapper(stream, encoding=encoding, newline="\n") as text:
        number = 0
        while line := text.readline(MOST_BYTES + 1):
            number += 1
            data = line.encode("utf-8", "replace")
            if len(line) > MOST_BYTES:
                while not line.endswith("\n") and (line := text.readline(CHUNK)):
                    pass
                yield number, _too_long(data)
            else:
                yield number, data


def _pass_over(stream: IO[bytes], line: bytes) -> None:
    """Read to the end of a line that is too long."""
    while not line.endswith(b"\n") and (line := stream.readline(CHUNK)):
        pass


def _too_long(data: bytes) -> Odd:
    return Odd("too_long", f"longer than {MOST_BYTES:,} bytes", shown(data))
