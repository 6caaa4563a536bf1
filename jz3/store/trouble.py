"""Errors of the operating system at the row store, as one line with the remedy."""

import errno
from pathlib import Path

from jz3.core.errors import UserError

FULL = (errno.ENOSPC, errno.EDQUOT)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
NO_FOLDER = (errno.ENOTDIR, errno.EEXIST, errno.EISDIR)


class StoreError(UserError, OSError):
    """The row store cannot be read or written. `strerror` is the system's message."""


def store_error(root: Path, error: OSError) -> StoreError:
    """The error for a store at `root`; a StoreError is returned unchanged."""
    if isinstance(error, StoreError):
        return error
    said = str(error.strerror or error) + (f" at {error.filename}" if error.filename else "")
    refused = StoreError(_line(root, error.errno, said))
    refused.strerror = said
    return refused


def must_have_moved(error: FileNotFoundError) -> None:
    """Raise StoreError if a file that was listed is a link to nothing. Any other was closed or merged:
    its rows are in another file by now.
    """
    path = Path(error.filename)
    if path.is_symlink():
        refused = StoreError(
            f"{path} is a link to {path.readlink()}, where nothing is; a file of the row store was expected. "
            f"Bring the file back, or remove the link: its rows will be computed again."
        )
        refused.strerror = error.strerror
        raise refused from error


def _line(root: Path, number: int | None, said: str) -> str:
    if number in FULL:
        return (
            f"the disk of the row store at {root} is full ({said}); room for more rows was expected. What "
            f"was committed is kept. Free some space, or move the store and set JZ3_STORE to its new place; "
            f"then run it again."
        )
    if number in FORBIDDEN:
        return (
            f"the row store at {root} refuses access ({said}); a folder that you may read and write was "
            f"expected. Give yourself access to it, or set JZ3_STORE to a folder of yours."
        )
    if number in NO_FOLDER:
        return (
            f"the row store at {root} is not a folder of rows ({said}); a folder, or nothing yet, was "
            f"expected there. Move away what is there, or set JZ3_STORE to a folder."
        )
    return (
        f"the row store at {root} cannot be used ({said}); a folder on a file system with locks was "
        f"expected. Fix what it names, or set JZ3_STORE to another folder."
    )
