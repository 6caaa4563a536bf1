"""Raw files of a data set on the Hugging Face hub, named by a `hub.yaml` beside no other file of the source:

    name: math-ai/AutoMathText
    revision: 4d3ab9c2...        # a commit: a branch moves
    files: ["data/web/0.8*.jsonl"]

The files come from the hub's own cache on this machine if they were fetched before. Sources that share a data
set share its folder there, and each has the files that its own `hub.yaml` names.
"""

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from jz3.core.artifacts import fitting
from jz3.raw.row import RawFileError


class HubFiles(BaseModel):
    """The contents of a `hub.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    revision: str
    files: list[str]


def read_hub_file(file: Path) -> HubFiles:
    """What a `hub.yaml` names."""
    try:
        document: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
        return HubFiles.model_validate(document)
    except (yaml.YAMLError, ValidationError, UnicodeDecodeError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise RawFileError(f"{file} does not name files of the hub ({reason}); name, revision and files were "
                           f"expected.") from error  # fmt: skip


def fetch(files: HubFiles) -> Path:
    """A directory that holds the files, fetched where they are not there yet, and maybe others."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        directory = snapshot_download(
            files.name, repo_type="dataset", revision=files.revision, allow_patterns=files.files
        )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise RawFileError(
            f"{files.name}@{files.revision} could not be fetched ({' '.join(str(error).split())[:200]}); "
            f"a data set of the hub was expected. Check name, revision and network, or put the files there."
        ) from error
    return Path(directory)


def named(files: HubFiles, directory: Path, patterns: list[str]) -> list[Path]:
    """The files that `hub.yaml` names in a fetched directory and that fit the patterns of the source."""
    from huggingface_hub.utils import filter_repo_objects

    there = sorted({file for pattern in patterns for file in fitting(directory, pattern)})
    wanted = filter_repo_objects(
        [file.relative_to(directory).as_posix() for file in there], allow_patterns=files.files
    )
    return [directory / name for name in wanted]
