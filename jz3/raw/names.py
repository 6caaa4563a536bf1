"""Names of files and fields that cannot be written in UTF-8, because their own bytes were not UTF-8."""

from collections.abc import Iterable
from pathlib import Path

from jz3.core.errors import UserError


def must_be_utf8(file: Path, names: Iterable[str]) -> None:
    """Raise UserError for the first name of a file or column with a byte that is not UTF-8.

    Python keeps such a byte as a lone surrogate, which rejects, manifests and tables cannot store.
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
