"""Files under a directory that match glob patterns.

As in a shell, a name that begins with a dot (`.DS_Store`, `._part.jsonl`, `.cache/`) matches only if a part
of the pattern begins with one: such files are notes that programs keep.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath

from jz3.core.placing import ArtifactError


def fitting(directory: Path, pattern: str) -> Iterator[Path]:
    """The files under a directory that match a glob pattern. Raises ArtifactError if the pattern leads
    out.
    """
    if ".." in Path(pattern).parts or Path(pattern).is_absolute():
        raise ArtifactError(
            f"the pattern '{pattern}' leads out of {directory}; one for files inside was expected. "
            f"Put the files there."
        )
    try:
        for file in directory.glob(pattern):
            if file.is_file() and (dotted(pattern) or not dotted(file.relative_to(directory))):
                yield file
    except (ValueError, NotImplementedError) as error:
        raise ArtifactError(
            f"'{pattern}' is not a glob pattern ({error}); one such as `**/*.jsonl` was expected. Correct "
            f"the parameters."
        ) from error


def links_not_followed(directory: Path, patterns: Sequence[str]) -> list[Path]:
    """The links under a directory that `**` passes over in silence: those to folders and to nothing, without
    those whose names begin with a dot.
    """
    if all("**" not in PurePath(pattern).parts for pattern in patterns):
        return []
    links = (file for file in directory.rglob("*") if file.is_symlink() and not file.is_file())
    return sorted(link for link in links if not dotted(link.relative_to(directory)))


def dotted(path: str | PurePath) -> bool:
    """Whether a part of a path or pattern begins with a dot."""
    return any(part.startswith(".") for part in PurePath(path).parts)
