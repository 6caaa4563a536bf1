"""Files under a directory by glob patterns."""

from collections.abc import Iterator
from pathlib import Path

from jz3.core.placing import ArtifactError


def fitting(directory: Path, pattern: str) -> Iterator[Path]:
    """The files under a directory that fit a glob pattern. Raises ArtifactError for one that leads out."""
    if ".." in Path(pattern).parts or Path(pattern).is_absolute():
        raise ArtifactError(
            f"the pattern '{pattern}' leads out of {directory}; one for files inside was expected. "
            f"Put the files there."
        )
    try:
        yield from (file for file in directory.glob(pattern) if file.is_file())
    except (ValueError, NotImplementedError) as error:
        raise ArtifactError(
            f"'{pattern}' is no glob pattern ({error}); one as `**/*.jsonl` was expected. Mend the "
            f"parameters."
        ) from error
