"""What a file is by its first bytes, and whether its name says the same: a name may lack `.gz`, or have it
although the file was unpacked.
"""

import re
from pathlib import Path

from jz3.raw.lines import COMPRESSIONS
from jz3.raw.row import RawFileError

ARROW = (".arrow", ".feather", ".ipc")

_KINDS = (
    (re.compile(rb"\x1f\x8b\x08"), ".gz", "gzip"),
    (re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"), ".bz2", "bzip2"),
    (re.compile(rb"\xfd7zXZ\x00"), ".xz", "xz"),
    (re.compile(rb"\x28\xb5\x2f\xfd"), ".zst", "zstd"),
    (re.compile(rb"PAR1\x15"), ".parquet", "parquet"),
    (re.compile(rb"ARROW1\x00\x00"), ".arrow", "arrow"),
    (re.compile(rb"FEA1"), "", "feather of version 1, which no library writes today,"),
    (re.compile(rb"PK\x03\x04"), "", "a zip archive"),
    (re.compile(rb"%PDF-"), ".pdf", "PDF"),
    (re.compile(rb"version https://git-lfs\.github\.com/spec"), "", "a pointer of Git LFS"),
)
"""First bytes, the ending that says so (none: nothing here reads it), and the kind in words."""
BYTES = 40
SHOWN = 16


def kind_of(start: bytes) -> str | None:
    """The kind of a file that is no text, by its first bytes; None for anything else."""
    found = _found(start)
    return found and found[1]


def must_be_as_named(file: Path, kind: str) -> None:
    """Raise RawFileError if a file's first bytes are those of another kind of file than its name says.

    `kind` is the ending of its name without that of a compression. An empty file is of any kind.
    """
    with file.open("rb") as stream:
        start = stream.read(BYTES)
    packed = file.suffix.lower() in COMPRESSIONS
    wanted = file.suffix.lower() if packed else ".arrow" if kind in ARROW else kind
    ending, words = _found(start) or (None, "")
    if not start or (ending and ending == wanted):
        return
    if ending is None:
        if packed:
            _say(file, f"does not begin as {wanted} does", f"Fetch it again, or rename it to {file.stem}.")
        if wanted == ".parquet" and not start.startswith(b"PAR1"):
            _say(
                file,
                f"begins with {start[:SHOWN]!r}, as no parquet file does",
                "Give it the ending of what it holds.",
            )
        return
    if not ending:
        pointer = words.startswith("a pointer")
        remedy = "Fetch what it points to (`git lfs pull`)." if pointer else "Convert it, or unpack it."
        _say(file, f"is {words} by its first bytes", remedy)
    name = f"{file.name}{ending}" if ending in COMPRESSIONS and not packed else file.with_suffix(ending).name
    _say(file, f"is {words} by its first bytes", f"Rename it to {name}.")


def _say(file: Path, what: str, remedy: str) -> None:
    raise RawFileError(f"{file} {what}; a file as its ending says was expected. {remedy}")


def _found(start: bytes) -> tuple[str, str] | None:
    return next(((ending, words) for begin, ending, words in _KINDS if begin.match(start)), None)
