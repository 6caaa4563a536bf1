"""Names of files and of their fields that no UTF-8 file can hold: those whose own bytes were not UTF-8."""

from collections.abc import Iterable
from pathlib import Path

from jz3.core.errors import UserError


def must_be_utf8(file: Path, names: Iterable[str]) -> None:
    """Raise UserError for the first name with a byte, of a file's name or of a header, that is not UTF-8.

    Python keeps such a byte as half a surrogate pair, which rejects, manifests and tables cannot hold.
    """
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError as error:
            what = "its own name" if name == str(file) else f"the field {name!r}"
            raise UserError(
                f"{file} has a name in it that is not UTF-8: {what}, at character {error.start + 1}; UTF-8 "
                f"was expected. Rename the file, or write it in UTF-8 (`iconv -f latin1 -t utf-8`)."
            ) from error
