"""Typed handles to what one stage leaves for the next.

A stage never opens a path itself: it gets an `In[T]` for each table it reads and an `Out[T]` for each one it
leaves; `T` is the schema of the rows. The handle checks the rows at the border, and a table is written
whole or not at all. A path that ends in `.parquet` is one file; any other is a directory of parts with a
manifest, for tables that may be larger than memory. Rows are sorted by key.

A directory that is no table (a checkpoint, packed blocks) is an `InDir[M]` or `OutDir[M]`, with a manifest.
Raw files and templates come through `InFiles`, the few numbers of a run go out through `Metrics`, curves
through `Plot`, a page for people through `OutText`. Where a stage reads the same thing of each source, recipe
or model, one flag takes them all (`InTables`, `InDirs`, `InMetrics`, `InPlots`), and each has a name.
"""

import shutil
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import dataframely as dy
import polars as pl
from dataframely.exc import SchemaError, ValidationError
from pydantic import BaseModel
from pydantic import ValidationError as ManifestError

from jz3.core.ahead import mapped
from jz3.core.errors import UserError
from jz3.core.table_bytes import regrouped, write_part, write_whole

T = TypeVar("T", bound=dy.Schema)
M = TypeVar("M", bound=BaseModel)

MANIFEST = "manifest.json"


class ArtifactError(UserError):
    """An artifact is missing, damaged, or not what the stage's signature says."""


class PartsManifest(BaseModel):
    """What a directory of parts holds, in order."""

    table: str
    rows: int
    parts: dict[str, int]
    """File name to rows."""
    notes: dict[str, str] = {}
    """How the rows came to be, where a reader must know it."""


@dataclass(frozen=True)
class In(Generic[T]):
    """A table that an earlier stage left."""

    kind: type[T]
    path: Path

    def read(self) -> dy.DataFrame[T]:
        """The whole table, every row checked."""
        return self._checked(self._collect(self.scan()))

    def scan(self) -> pl.LazyFrame:
        """The table unread; its columns are checked, its rows are not."""
        files = self._files()
        frame = pl.scan_parquet(files) if files else self.kind.create_empty().lazy()
        try:
            found = frame.collect_schema()
        except (pl.exceptions.ComputeError, OSError) as error:
            raise ArtifactError(self._damaged(error)) from error
        expected = self.kind.create_empty().schema
        if found != expected:
            differ = sorted(set(found.items()) ^ set(expected.items()), key=str)
            raise ArtifactError(
                f"{self.path} is not a table of {self.kind.__name__}: it differs in {differ}. "
                f"`dvc repro` makes it anew."
            )
        return frame

    def frames(self, rows: int) -> Iterator[dy.DataFrame[T]]:
        """The table in pieces of at most `rows` rows, each checked, in key order."""
        for batch in self._batches(self.scan(), rows):
            yield self._checked(batch)

    def columns(self, *names: str, rows: int) -> Iterator[pl.DataFrame]:
        """Some columns in pieces of at most `rows` rows, in key order; the others are not read, and the rows
        not checked.
        """
        yield from self._batches(self.scan().select(names), rows)

    def notes(self) -> dict[str, str]:
        """How the rows of a directory of parts came to be, as its manifest has it."""
        return InDir(PartsManifest, self.path).manifest().notes

    def rows(self) -> int:
        """Number of rows."""
        return self._collect(self.scan().select(pl.len())).item()

    def must_be_readable(self) -> None:
        """Raise ArtifactError where a part is damaged; reads all of it."""
        try:
            for _ in self.scan().collect_batches():
                pass
        except (pl.exceptions.ComputeError, OSError) as error:
            raise ArtifactError(self._damaged(error)) from error

    def _files(self) -> list[Path]:
        _must_exist(self.path, self.kind)
        if self.path.suffix == ".parquet":
            return [self.path]
        manifest = InDir(PartsManifest, self.path).manifest()
        files = [self.path / name for name in manifest.parts]
        for file in files:
            _must_exist(file, self.kind)
        return files

    def _batches(self, frame: pl.LazyFrame, rows: int) -> Iterator[pl.DataFrame]:
        try:
            yield from frame.collect_batches(chunk_size=rows, maintain_order=True)
        except (pl.exceptions.ComputeError, OSError) as error:
            raise ArtifactError(self._damaged(error)) from error

    def _collect(self, frame: pl.LazyFrame) -> pl.DataFrame:
        try:
            return frame.collect()
        except (pl.exceptions.ComputeError, OSError) as error:
            raise ArtifactError(self._damaged(error)) from error

    def _checked(self, rows: pl.DataFrame) -> dy.DataFrame[T]:
        try:
            return self.kind.validate(rows)
        except (SchemaError, ValidationError) as error:
            reason = " ".join(str(error).split())
            raise ArtifactError(
                f"{self.path} is not a table of {self.kind.__name__}: {reason}. `dvc repro` makes it anew."
            ) from error

    def _damaged(self, error: Exception) -> str:
        reason = " ".join(str(error).split())[:200]
        return (
            f"{self.path} cannot be read ({reason}); a parquet table of {self.kind.__name__} was expected. "
            f"Delete it and run `dvc checkout` or `dvc repro`."
        )


@dataclass(frozen=True)
class Out(Generic[T]):
    """A table that this stage leaves."""

    kind: type[T]
    path: Path

    def write(self, rows: pl.DataFrame, notes: Mapping[str, str] | None = None) -> None:
        """Check every row, sort by key, and put the table at its path in one step; `notes` as in `sink`."""
        self.sink([rows.sort(self.kind.primary_key())], notes)

    def sink(self, frames: Iterable[pl.DataFrame], notes: Mapping[str, str] | None = None) -> None:
        """Write frames that come in key order, one at a time; the table may be larger than memory.

        `notes` go into the manifest of a directory of parts; a single file has none.

        Raises AssertionError where two neighbouring keys are not in order: the caller's mistake.
        """
        checked = self._in_key_order(self.kind.validate(frame) for frame in frames)
        if self.path.suffix == ".parquet":
            self._write_file(checked)
        else:
            with OutDir(PartsManifest, self.path).open() as directory:
                self._write_parts(checked, directory, dict(notes or {}))

    def _write_file(self, frames: Iterator[pl.DataFrame]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_name(self.path.name + ".part")
        write_whole(pl.concat([self.kind.create_empty(), *frames]), part)
        part.replace(self.path)

    def _write_parts(self, frames: Iterator[pl.DataFrame], directory: Path, notes: dict[str, str]) -> None:
        parts: dict[str, int] = {}

        def write(numbered: tuple[int, pl.DataFrame]) -> tuple[str, int]:
            number, frame = numbered
            name = f"part-{number:05}.parquet"
            write_part(frame, directory / name)
            return name, frame.height

        # One part is written while the next one's rows are made.
        parts.update(mapped(write, enumerate(regrouped(frames)), threads=1))
        rows = sum(parts.values())
        manifest = PartsManifest(table=self.kind.__name__, rows=rows, parts=parts, notes=notes)
        (directory / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n")

    def _in_key_order(self, frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Each frame's own keys are unique (the schema says so); here the order and the seams are checked."""
        key = self.kind.primary_key()
        last: tuple[Any, ...] | None = None
        for frame in frames:
            if not frame.height:
                continue
            keys = frame.select(key)
            first = keys.row(0)
            assert _sorted(keys), f"rows of {self.path} are not sorted by {key}"
            assert last is None or last < first, f"rows of {self.path} are not sorted by {key} at {first}"
            last = keys.row(-1)
            yield frame


def _sorted(keys: pl.DataFrame) -> bool:
    return keys.to_series().is_sorted() if keys.width == 1 else keys.equals(keys.sort(keys.columns))


@dataclass(frozen=True)
class InDir(Generic[M]):
    """A directory that an earlier stage left, with a manifest that says what is in it."""

    kind: type[M]
    path: Path

    def manifest(self) -> M:
        file = self.path / MANIFEST
        _must_exist(file, self.kind)
        try:
            return self.kind.model_validate_json(file.read_text())
        except ManifestError as error:
            reason = " ".join(str(error).split())
            raise ArtifactError(
                f"{file} is not a {self.kind.__name__}: {reason}. `dvc repro` makes it anew."
            ) from error


@dataclass(frozen=True)
class OutDir(Generic[M]):
    """A directory that this stage leaves."""

    kind: type[M]
    path: Path

    @contextmanager
    def open(self) -> Generator[Path]:
        """A directory to fill; it takes its place once the block ends and the manifest is there."""
        part = self.path.with_name(self.path.name + ".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        yield part
        InDir(self.kind, part).manifest()
        shutil.rmtree(self.path, ignore_errors=True)
        part.replace(self.path)


@dataclass(frozen=True)
class OutText:
    """A text for people that this stage leaves."""

    path: Path

    def write(self, text: str) -> None:
        """Put the text at its path in one step."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_name(self.path.name + ".part")
        part.write_text(text)
        part.replace(self.path)


@dataclass(frozen=True)
class InFiles:
    """Files that are no table: raw texts, templates. DVC watches the directory as a whole."""

    path: Path

    def matching(self, *patterns: str) -> list[Path]:
        """The files under the directory that fit any of the glob patterns, sorted; maybe none."""
        if not self.path.exists():
            raise ArtifactError(f"{self.path} does not exist; a directory of files was expected there.")
        return sorted({file for pattern in patterns for file in self.path.glob(pattern) if file.is_file()})


@dataclass(frozen=True)
class InTables(Generic[T]):
    """The same table of several sources, recipes or models (the flag takes several paths)."""

    kind: type[T]
    paths: tuple[Path, ...]

    def tables(self) -> dict[str, In[T]]:
        """Each table by the last part of its path without `.parquet`, in the order of the command line.

        Raises ArtifactError where two have the same name.
        """
        return {name: In(self.kind, path) for name, path in _by_last_part(self.paths).items()}

    def read(self) -> dict[str, dy.DataFrame[T]]:
        """Each whole table by its name, every row checked."""
        return {name: table.read() for name, table in self.tables().items()}

    def notes(self) -> dict[str, dict[str, str]]:
        """How the rows of each came to be, by its name."""
        return {name: table.notes() for name, table in self.tables().items()}


@dataclass(frozen=True)
class InDirs(Generic[M]):
    """The same directory of several recipes or models (the flag takes several paths)."""

    kind: type[M]
    paths: tuple[Path, ...]

    def directories(self) -> dict[str, InDir[M]]:
        """Each directory, named and refused as a table is."""
        return {name: InDir(self.kind, path) for name, path in _by_last_part(self.paths).items()}

    def manifests(self) -> dict[str, M]:
        """Each directory's manifest by its name."""
        return {name: directory.manifest() for name, directory in self.directories().items()}


@dataclass(frozen=True)
class InMetrics:
    """The metrics of several stages (the flag takes several paths)."""

    paths: tuple[Path, ...]

    def read(self) -> dict[str, Any]:
        """Each file's values by its name under `data/metrics/` without ending, such as `distill/initial`."""
        import json

        for path in self.paths:
            _must_exist(path, Metrics)
        return {_name(path): json.loads(path.read_text()) for path in self.paths}


@dataclass(frozen=True)
class InPlots(Generic[T]):
    """The curves of several stages (the flag takes several paths)."""

    kind: type[T]
    paths: tuple[Path, ...]

    def read(self) -> dict[str, dy.DataFrame[T]]:
        """Each curve by its name under `data/plots/` without the ending, such as `finetune/initial`."""
        for path in self.paths:
            _must_exist(path, self.kind)
        schema = self.kind.create_empty().schema
        return {_name(path): self.kind.validate(pl.read_csv(path, schema=schema)) for path in self.paths}


@dataclass(frozen=True)
class Metrics:
    """The few numbers by which a run is judged; `dvc metrics diff` compares them."""

    path: Path

    def write(self, values: BaseModel) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(values.model_dump_json(indent=2) + "\n")


@dataclass(frozen=True)
class Plot(Generic[T]):
    """A curve or a small table for `dvc plots`, as CSV."""

    kind: type[T]
    path: Path

    def write(self, rows: pl.DataFrame) -> None:
        checked = self.kind.validate(rows).sort(self.kind.primary_key())
        self.path.parent.mkdir(parents=True, exist_ok=True)
        checked.write_csv(self.path)

    def live(self) -> Path:
        """Where a run may note what differs from run to run (speed, memory): `data/plots/x.csv` has
        `data/live/x`. No out, so no stage watches it and nothing is cached.
        """
        root, _, *name = self.path.with_suffix("").parts
        return Path(root, "live", *name)


def _name(path: Path) -> str:
    """`data/metrics/ingest/web.json` is `ingest/web`."""
    return "/".join(path.with_suffix("").parts[2:])


def _by_last_part(paths: tuple[Path, ...]) -> dict[str, Path]:
    """`data/grades/jiuzhang.parquet` is `jiuzhang`."""
    named: dict[str, Path] = {}
    for path in paths:
        name = path.name.removesuffix(".parquet")
        if name in named:
            raise ArtifactError(
                f"{named[name]} and {path} are both named '{name}'; names that differ were expected. "
                f"Rename one of them in graph.yaml and run `jz3 deps --fix`."
            )
        named[name] = path
    return named


def _must_exist(path: Path, kind: type) -> None:
    if not path.exists():
        raise ArtifactError(
            f"{path} does not exist; it should hold {kind.__name__}. "
            f"`dvc repro` runs the stage that has it among its outs."
        )
