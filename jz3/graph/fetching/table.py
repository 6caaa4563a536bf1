"""`data/sources.yaml`: all external data of the profiles, pinned. An entry is

    web:
      for: corpus                      # corpus, benchmark, task or model
      host: hub                        # hub, or github for a repository there
      repo: math-ai/AutoMathText
      revision: null                   # a whole commit
      files: ["data/web/0.[2-9]*.jsonl"] # glob patterns: `*` stays in a folder, `**/` is any or none
      held: null                       # for each file: bytes and digest (sha256:... or git:...)
      bytes: 30000000000               # of all files together
      licence: CC-BY-SA-4.0
      gated: false                     # whether you must ask for access
      reader: documents                # the format that reads them
      fields: [text]                   # the fields that it reads
      shape: {model_type: llama, ...}  # for a model: what its config.json says, before it is fetched
      reason: why something is null

`jz3 fetch --resolve` looks up null fields; until then nothing that needs the entry runs.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML, YAMLError

from jz3.core.errors import UserError
from jz3.raw.fetched import ENDING, Commit, Host

TABLE = Path("data/sources.yaml")
FOLDERS = {"corpus": "corpora", "benchmark": "benchmarks", "task": "tasks", "model": "models"}
"""The folder of `data/raw` for manifests, by the purpose of a source."""

Purpose = Literal["corpus", "benchmark", "task", "model"]


class SourcesError(UserError):
    """The table of sources cannot be read, or names no such source."""


class HeldFile(BaseModel):
    """A file at the pinned commit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes: Annotated[int, Field(ge=0)] | None
    digest: Annotated[str, Field(pattern=r"^(sha256:[0-9a-f]{64}|git:[0-9a-f]{40})$")]
    """`git:` marks git's id for the content, the only digest that the hub has for small files."""


class SourceEntry(BaseModel):
    """One source."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    purpose: Purpose = Field(alias="for")
    host: Host
    repo: Annotated[str, Field(pattern=r"^\w[\w.-]*/\w[\w.-]*$")]
    revision: Commit | None
    files: Annotated[list[str], Field(min_length=1)]
    held: dict[str, HeldFile] | None
    bytes: Annotated[int, Field(ge=0)] | None
    licence: str | None
    gated: bool | None
    reader: str
    fields: list[str]
    shape: dict[str, Any] | None = None
    reason: str | None = None

    @model_validator(mode="after")
    def _sound(self) -> "SourceEntry":
        if self.revision is not None and len(set(self.revision)) == 1:
            raise ValueError(f"revision {self.revision} is not a commit; write null and the reason")
        if outside := [path for path in self.held or {} if ".." in path.split("/") or path.startswith("/")]:
            raise ValueError(f"'{outside[0]}' leads out of the repository")
        lacking = [name for name in ("revision", "held", "bytes", "licence", "gated") if self._lacks(name)]
        if lacking and not self.reason:
            raise ValueError(f"{', '.join(lacking)} is null and `reason` does not say why")
        return self

    def _lacks(self, name: str) -> bool:
        return getattr(self, name) is None

    @property
    def resolved(self) -> bool:
        """Whether commit and files are known, so that it can be fetched."""
        return self.revision is not None and bool(self.held)

    @property
    def size(self) -> int | None:
        """Bytes of all files, if known."""
        sizes = [file.bytes for file in (self.held or {}).values()]
        known = [size for size in sizes if size is not None]
        return sum(known) if known and len(known) == len(sizes) else self.bytes

    def manifest(self, root: Path, name: str) -> Path:
        """The path of its manifest."""
        return root / "data/raw" / FOLDERS[self.purpose] / f"{name}{ENDING}"


def read_table(root: Path) -> dict[str, SourceEntry]:
    """Every entry by its name. Raises SourcesError."""
    file = root / TABLE
    document = read_document(file)
    entries: dict[str, SourceEntry] = {}
    for name, entry in document.items():
        if not re.fullmatch(r"[\w.-]+", str(name)):
            raise SourcesError(f"{file}: the name '{name}' has characters other than letters, digits, - . _.")
        try:
            entries[str(name)] = SourceEntry.model_validate(entry)
        except ValidationError as error:
            reason = "; ".join(
                f"{'.'.join(map(str, one['loc'])) or 'it'}: {one['msg']}" for one in error.errors()
            )
            raise SourcesError(
                f"{file}: source '{name}' is not a valid entry ({reason}); the fields that "
                f"{__name__.replace('.', '/')}.py lists were expected. Correct it."
            ) from error
    return entries


def read_document(file: Path, yaml: YAML | None = None) -> Mapping[str, Any]:
    """The file as a mapping of entries, with comments if the reader keeps them. Raises SourcesError."""
    try:
        document: Any = (yaml or YAML(typ="safe")).load(file.read_text(encoding="utf-8"))
    except (OSError, YAMLError, UnicodeDecodeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:300]
        raise SourcesError(
            f"{file} cannot be read ({reason}); a table of sources was expected. "
            f"`git checkout {file}` brings back the one of the repository."
        ) from error
    if not isinstance(document, dict):
        raise SourcesError(
            f"{file} is not a mapping of sources; `NAME: {{for: ..., host: ...}}` was expected."
        )
    return document  # pyright: ignore[reportUnknownVariableType]
