"""Files that `jz3 fetch` brought. The manifest of a source names each with its size and SHA-256, and is what
a stage depends on; the files themselves lie in the hub's cache, where neither git nor DVC copies them.

    {"source": "web", "host": "hub", "kind": "dataset", "repo": "math-ai/AutoMathText",
     "revision": "4d3a...", "licence": "CC-BY-SA-4.0",
     "files": {"data/web/0.20-0.25.jsonl": {"bytes": 12, "sha256": "9f86..."}}}

A source holds the files of its manifest and no others, whatever else lies in the same folder. Nothing here
opens the network.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jz3.core.artifacts import ArtifactError, InFiles
from jz3.core.matching import dotted
from jz3.raw.row import RawFileError

ENDING = ".fetched.json"
"""Ending of a manifest's name."""
GITHUB_FOLDER = "github--{}"
"""Folder for files of a GitHub repository, beside the folders of the hub."""

Host = Literal["hub", "github"]
RepositoryKind = Literal["dataset", "model"]
Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class FetchedFile(BaseModel):
    """The required size and digest of a file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes: Annotated[int, Field(ge=0)]
    sha256: Sha256


class Fetched(BaseModel):
    """The manifest of a source."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    host: Host
    kind: RepositoryKind
    repo: str
    revision: Commit
    licence: str | None
    files: dict[str, FetchedFile]
    """Files by path in the repository."""

    @property
    def origin(self) -> str:
        """Name and revision, such as `GAIR/MathPile@5c1b...`."""
        return f"{self.repo}@{self.revision}"

    def folder(self) -> Path:
        """The folder of its files on this machine."""
        return snapshot(self.host, self.kind, self.repo, self.revision)


@dataclass(frozen=True)
class RawFiles:
    """Files of a source under a root."""

    root: Path
    files: list[Path]
    fetched: Fetched | None
    """The manifest that names them; None for files in a folder of the repository."""


def snapshot(host: Host, kind: RepositoryKind, repo: str, revision: str) -> Path:
    """The folder of a revision in the hub's cache (`HF_HUB_CACHE`, else below `HF_HOME`)."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    name = (
        repo_folder_name(repo_id=repo, repo_type=kind)
        if host == "hub"
        else GITHUB_FOLDER.format(repo.replace("/", "--"))
    )
    return Path(constants.HF_HUB_CACHE) / name / "snapshots" / revision


def read_manifest(file: Path) -> Fetched:
    """Read a manifest. Raises RawFileError if it is missing or invalid."""
    source = file.name.removesuffix(ENDING)
    try:
        return Fetched.model_validate_json(file.read_bytes())
    except FileNotFoundError as error:
        raise RawFileError(
            f"{file} does not exist; the manifest of fetched files was expected. "
            f"Run `jz3 fetch --only {source}`."
        ) from error
    except (ValidationError, OSError) as error:
        reason = " ".join(str(error).split())[:300]
        raise RawFileError(
            f"{file} is not a manifest of fetched files ({reason}); one that `jz3 fetch` wrote was expected. "
            f"Run `jz3 fetch --only {source}`."
        ) from error


def raw_files(raw: InFiles, patterns: Sequence[str]) -> RawFiles:
    """The files of a folder that match any of the glob patterns, or those of a manifest, each of which is
    checked.

    Raises RawFileError if a fetched file is missing or differs from the manifest.
    """
    if not raw.path.name.endswith(ENDING):
        return RawFiles(raw.path, raw.matching(*patterns), None)
    fetched = read_manifest(raw.path)
    names = fitting_names(fetched.files, patterns)
    if not names:
        raise RawFileError(
            f"none of the {len(fetched.files)} files of {raw.path} fits {', '.join(patterns)}; at least one "
            f"was expected. Correct the patterns."
        )
    return RawFiles(fetched.folder(), [checked(raw.path, fetched, name) for name in names], fetched)


def of_its_size(manifest: Path, fetched: Fetched, name: str) -> Path:
    """The path of a manifest's file, if it exists with the right size. Raises RawFileError."""
    file, wanted = fetched.folder() / name, fetched.files[name]
    again = f"Run `jz3 fetch --only {fetched.source}`."
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise RawFileError(f"{manifest} names '{name}'; a file inside its repository was expected. {again}")
    if not file.is_file():
        raise RawFileError(
            f"{name} of {fetched.origin} is not on this machine ({file}), but {manifest} names it; a fetched "
            f"file was expected. {again}"
        )
    size = file.stat().st_size
    if size != wanted.bytes:
        raise RawFileError(
            f"{name} of {fetched.origin} has {size:,} bytes on this machine ({file}); {wanted.bytes:,} bytes "
            f"were expected, as {manifest} says. {again}"
        )
    return file


def checked(manifest: Path, fetched: Fetched, name: str) -> Path:
    """The path of a manifest's file, if it has the right size and digest. Raises RawFileError."""
    file, wanted = of_its_size(manifest, fetched, name), fetched.files[name]
    found = sha256_of(file)
    if found != wanted.sha256:
        raise RawFileError(
            f"{name} of {fetched.origin} has SHA-256 {found} on this machine ({file}); {wanted.sha256} was "
            f"expected, as {manifest} says. Run `jz3 fetch --only {fetched.source}`."
        )
    return file


def fitting_names(names: Iterable[str], patterns: Iterable[str]) -> list[str]:
    """The paths, sorted, that match any of the glob patterns as files of a folder would (`InFiles.matching`).

    Raises ArtifactError if a pattern leads out.
    """
    fits = [(_expression(pattern), dotted(pattern)) for pattern in patterns]
    return [
        name
        for name in sorted(names)
        if any(one.fullmatch(name) and (hidden or not dotted(name)) for one, hidden in fits)
    ]


def sha256_of(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _expression(pattern: str) -> re.Pattern[str]:
    """A regular expression for a glob pattern of `Path.glob`: `**/` stands for any folders or none."""
    if ".." in PurePosixPath(pattern).parts or PurePosixPath(pattern).is_absolute():
        raise ArtifactError(
            f"the pattern '{pattern}' leads out of the fetched files; one for files inside was expected. "
            f"Correct the parameters."
        )
    text = ""
    for part in re.split(r"(\*\*/|\*\*$|\*|\?|\[[^\]]+\])", pattern):
        match part:
            case "**/":
                text += "(?:.*/)?"
            case "**":
                text += ".*"
            case "*":
                text += "[^/]*"
            case "?":
                text += "[^/]"
            case _ if part.startswith("[") and part.endswith("]"):
                text += f"[^{part[2:]}" if part[1] == "!" else part
            case _:
                text += re.escape(part)
    return re.compile(text)
