"""Typed handles to what one stage leaves for the next.

A stage never opens a path itself: it gets an `In[T]` for each table it reads and an `Out[T]` for each one it
leaves; `T` is the schema of the rows. The handle checks the rows as they are read and written, and a table is
written whole or not at all. A path that ends in `.parquet` is one file; one without an ending is a directory
of parts with a manifest, for tables that may be larger than memory. Rows are sorted by key. An output
replaces what is at its path only if the same handle could have written that (jz3/core/placing.py).

A directory that is no table (a checkpoint, packed blocks) is an `InDir[M]` or `OutDir[M]`, with a manifest of
type `M`. The other handles:

- `InFiles`: raw files and templates
- `Metrics`: the few numbers of a run
- `Plot`: curves
- `OutText`: a page for people
- the handles of `fan_in.py`: what a stage reads of every source, recipe or model, through one flag
"""

import re
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, overload

import dataframely as dy
import polars as pl
from dataframely.exc import SchemaError, ValidationError
from pydantic import BaseModel
from pydantic import ValidationError as ManifestError

from jz3.core.foreign import (
    described,
    differences,
    foreign_curve,
    foreign_folder,
    foreign_metrics,
    foreign_object,
    foreign_table,
    foreign_text,
)
from jz3.core.frames import Accounted, Unsorted, in_key_order
from jz3.core.matching import fitting, links_not_followed
from jz3.core.placing import (
    MANIFEST,
    ArtifactError,
    must_be_free,
    placed_file,
    placed_folder,
)
from jz3.core.remedies import remedy
from jz3.core.table_bytes import regrouped, write_part, write_whole
from jz3.core.thread_map import thread_map

T = TypeVar("T", bound=dy.Schema)
M = TypeVar("M", bound=BaseModel)
A = TypeVar("A")

FRAME_ROWS = 20_000
"""Rows of a table that are read at a time (chosen: 30 to 60 MB of text)."""


class PartsManifest(BaseModel):
    """The parts of a directory that holds a table, in order."""

    table: str
    rows: int
    parts: dict[str, int]
    """Rows of each file, by file name."""
    notes: dict[str, str] = {}
    """How the rows were made, if a reader must know it."""


@dataclass(frozen=True)
class In(Generic[T]):
    """A table that an earlier stage left."""

    kind: type[T]
    path: Path

    def read(self) -> dy.DataFrame[T]:
        """The whole table, every row checked."""
        return self._checked(self._collect(self.scan()))

    def scan(self) -> pl.LazyFrame:
        """The table as a lazy frame; its columns are checked, its rows are not."""
        files = self._files()
        frame = pl.scan_parquet(files) if files else self.kind.create_empty().lazy()
        try:
            found = frame.collect_schema()
        except (pl.exceptions.ComputeError, OSError) as error:
            raise ArtifactError(self._damaged(error)) from error
        expected = self.kind.create_empty().schema
        if found != expected:
            raise ArtifactError(
                f"{self.path} is not a table of {self.kind.__name__}: "
                f"it differs in {differences(found, expected)}. "
                f"{remedy(self.path, f'Give a table with the columns {described(expected)}.')}"
            )
        return frame

    def frames(self, rows: int = FRAME_ROWS) -> Iterator[dy.DataFrame[T]]:
        """The table in pieces of at most `rows` rows, each checked, in key order."""
        for batch in self._batches(self.scan(), rows):
            yield self._checked(batch)

    def columns(self, *names: str, rows: int) -> Iterator[pl.DataFrame]:
        """Some columns in pieces of at most `rows` rows, in key order. The other columns are not read, and
        the rows are not checked.
        """
        yield from self._batches(self.scan().select(names), rows)

    def notes(self) -> dict[str, str]:
        """How the rows of a directory of parts were made, from its manifest."""
        return InDir(PartsManifest, self.path).manifest().notes

    def rows(self) -> int:
        """Number of rows."""
        return self._collect(self.scan().select(pl.len())).item()

    def must_be_readable(self) -> None:
        """Raise ArtifactError if a part is damaged; reads all of them."""
        try:
            for _ in self.scan().collect_batches():
                pass
        except (pl.exceptions.ComputeError, OSError) as error:
            raise ArtifactError(self._damaged(error)) from error

    def _files(self) -> list[Path]:
        must_exist(self.path, self.kind)
        if self.path.suffix == ".parquet":
            return [self.path]
        if not self.path.is_dir():
            raise ArtifactError(
                f"{self.path} is not a table; {self.kind.__name__} was expected, in a .parquet file or a "
                f"folder of parts. Write parquet, with {described(self.kind.create_empty().schema)}."
            )
        manifest = InDir(PartsManifest, self.path).manifest()
        files = [self.path / name for name in manifest.parts]
        for file in files:
            must_exist(file, self.kind)
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
                f"{self.path} is not a table of {self.kind.__name__}: {reason}. "
                f"{remedy(self.path, 'Fix these rows.')}"
            ) from error

    def _damaged(self, error: Exception) -> str:
        reason = " ".join(str(error).split())[:200]
        return (
            f"{self.path} cannot be read ({reason}); a parquet table of {self.kind.__name__} was expected. "
            f"{remedy(self.path, 'Delete it, or put an intact parquet table there.')}"
        )


@dataclass(frozen=True)
class Out(Generic[T]):
    """A table that this stage leaves."""

    kind: type[T]
    path: Path

    def write(self, rows: pl.DataFrame, notes: Mapping[str, str] | None = None) -> None:
        """Check every row, sort by key, and put the table at its path in one step; `notes` as in `sink`."""
        self.sink([rows.sort(self.kind.primary_key())], notes)

    @overload
    def sink(  # pyright: ignore[reportOverlappingOverload] (what no generator makes has no account)
        self,
        frames: Generator[pl.DataFrame, None, A],
        notes: Mapping[str, str] | None = None,
    ) -> A: ...
    @overload
    def sink(self, frames: Iterable[pl.DataFrame], notes: Mapping[str, str] | None = None) -> None: ...
    def sink(self, frames: Any, notes: Mapping[str, str] | None = None) -> Any:
        """Write frames that come in key order, one at a time; the table may be larger than memory.

        Returns what the generator of the frames returns at its end: the account of all of them.

        `notes` go into the manifest of a directory of parts; a single file has none.

        Raises AssertionError if two neighbouring keys are out of order, which is the caller's mistake.
        """
        self.must_be_free()
        accounted = Accounted(frames)
        checked = in_key_order(map(self.kind.validate, accounted), self.kind.primary_key(), self.path)
        if self._is_file():
            with placed_file(self.path, self._foreign) as part:
                write_whole(pl.concat([self.kind.create_empty(), *checked]), part)
        else:
            manifest = InDir(PartsManifest, self.path)
            with placed_folder(self.path, self._foreign, manifest.must_be_in) as directory:
                self._write_parts(checked, directory, dict(notes or {}))
        return accounted.account

    def sink_unsorted(self, rows: Unsorted[A], notes: Mapping[str, str] | None = None) -> A:
        """Like `sink`, for rows in any order; they are sorted in unnamed files next to the table."""
        return self.sink(rows.in_order(self.scratch), notes)

    @property
    def scratch(self) -> Path:
        """A folder for unnamed files, on the file system that has room for the table."""
        return self.path.parent

    def must_be_free(self) -> None:
        """Raise ArtifactError if the path cannot hold a table or something foreign is there."""
        if re.fullmatch(r"\.[A-Za-z]\w*", self.path.suffix) and not self._is_file():
            raise ArtifactError(
                f"{self.path} ends in {self.path.suffix}; a table of {self.kind.__name__} ends in .parquet "
                f"(one file) or in nothing (a directory of parts). Give it such a name."
            )
        must_be_free(self.path, self._foreign, folder=not self._is_file())

    def _is_file(self) -> bool:
        return self.path.suffix == ".parquet"

    def _foreign(self, path: Path) -> str | None:
        if not self._is_file():
            manifest = InDir(PartsManifest, path)
            reason, name = manifest.foreign(), self.kind.__name__
            return reason or (None if manifest.manifest().table == name else f"is not a table of {name}")
        return foreign_table(path, self.kind)

    def _write_parts(self, frames: Iterator[pl.DataFrame], directory: Path, notes: dict[str, str]) -> None:
        parts: dict[str, int] = {}

        def write(numbered: tuple[int, pl.DataFrame]) -> tuple[str, int]:
            number, frame = numbered
            name = f"part-{number:05}.parquet"
            write_part(frame, directory / name)
            return name, frame.height

        # While one part is written, the rows of the next are made.
        parts.update(thread_map(write, enumerate(regrouped(frames)), threads=1))
        rows = sum(parts.values())
        manifest = PartsManifest(table=self.kind.__name__, rows=rows, parts=parts, notes=notes)
        (directory / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n")


@dataclass(frozen=True)
class InDir(Generic[M]):
    """A directory that an earlier stage left, with a manifest that says what is in it."""

    kind: type[M]
    path: Path

    def manifest(self) -> M:
        file = self.path / MANIFEST
        must_exist(file, self.kind)
        try:
            return self.kind.model_validate_json(file.read_text())
        except ManifestError as error:
            reason = " ".join(str(error).split())
            raise ArtifactError(
                f"{file} is not a {self.kind.__name__}: {reason}. "
                f"{remedy(self.path, 'Give a directory that a stage left.')}"
            ) from error

    def foreign(self) -> str | None:
        """Why the directory is not of this kind; None if it is."""
        return foreign_folder(self.path, self.kind)

    def must_be_in(self, directory: Path) -> None:
        """Raise ArtifactError if a directory has no manifest of this kind."""
        InDir(self.kind, directory).manifest()


@dataclass(frozen=True)
class OutDir(Generic[M]):
    """A directory that this stage leaves."""

    kind: type[M]
    path: Path

    @contextmanager
    def open(self) -> Generator[Path]:
        """A directory to fill; it moves to its path when the block ends, if the manifest is there."""
        manifest = InDir(self.kind, self.path)
        with placed_folder(self.path, self._foreign, manifest.must_be_in) as directory:
            yield directory

    def must_be_free(self) -> None:
        """Raise ArtifactError if something foreign is at the path."""
        must_be_free(self.path, self._foreign, folder=True)

    def _foreign(self, path: Path) -> str | None:
        return InDir(self.kind, path).foreign()


@dataclass(frozen=True)
class OutText:
    """A text for people that this stage leaves."""

    path: Path

    def write(self, text: str) -> None:
        """Put the text at its path in one step. A text that is there already must be the same."""
        with placed_file(self.path, lambda path: foreign_text(path, text)) as part:
            part.write_text(text, encoding="utf-8")

    def must_be_free(self) -> None:
        """Raise ArtifactError if something other than a file is at the path."""
        must_be_free(self.path, lambda _: None, folder=False)


@dataclass(frozen=True)
class InFiles:
    """Files other than tables: raw texts, templates. DVC watches the directory as a whole."""

    path: Path

    def matching(self, *patterns: str) -> list[Path]:
        """The files under the directory that match any of the glob patterns, sorted; maybe none.

        Raises ArtifactError if a pattern or a link leads out, even one to a folder, which `**` passes over.
        """
        if not self.path.exists():
            raise ArtifactError(f"{self.path} does not exist; a directory of files was expected there.")
        found = sorted({file for pattern in patterns for file in fitting(self.path, pattern)})
        root = self.path.resolve()
        for file in [*found, *links_not_followed(self.path, patterns)]:
            if not file.exists() or not file.resolve().is_relative_to(root):
                raise ArtifactError(
                    f"{file} is a link to {file.resolve()}; a file inside {self.path} was expected, since "
                    f"DVC tracks no others. Put the file itself there."
                )
        return found


@dataclass(frozen=True)
class Metrics:
    """The few numbers by which a run is judged; `dvc metrics diff` compares them."""

    path: Path

    def write(self, values: BaseModel) -> None:
        """Write the metrics; they replace existing ones only of the same kind."""
        with placed_file(self.path, lambda path: foreign_metrics(path, type(values))) as part:
            part.write_text(values.model_dump_json(indent=2) + "\n", encoding="utf-8")

    def must_be_free(self) -> None:
        """Raise ArtifactError if something other than a JSON object is at the path."""
        must_be_free(self.path, foreign_object, folder=False)


@dataclass(frozen=True)
class Plot(Generic[T]):
    """A curve or a small table for `dvc plots`, as CSV."""

    kind: type[T]
    path: Path

    def write(self, rows: pl.DataFrame) -> None:
        checked = self.kind.validate(rows).sort(self.kind.primary_key())
        with placed_file(self.path, self._foreign) as part:
            checked.write_csv(part)

    def must_be_free(self) -> None:
        """Raise ArtifactError if something other than such a curve is at the path."""
        must_be_free(self.path, self._foreign, folder=False)

    def live(self) -> Path:
        """The folder for figures that differ from run to run (speed, memory): `data/live/x` for
        `data/plots/x.csv`, or `x.live` if no folder is named plots. It is no out: no stage watches it and
        DVC does not cache it.
        """
        parts = self.path.with_suffix("").parts
        if "plots" not in parts[:-1]:
            return self.path.with_suffix(".live")
        at = len(parts) - 1 - parts[:-1][::-1].index("plots") - 1
        return Path(*parts[:at], "live", *parts[at + 1 :])

    def _foreign(self, path: Path) -> str | None:
        return foreign_curve(path, self.kind)


def must_exist(path: Path, kind: type) -> None:
    """Raise ArtifactError if an artifact that is to be read does not exist."""
    if not path.exists():
        raise ArtifactError(
            f"{path} does not exist; it should hold {kind.__name__}. {remedy(path, 'Check the path.')}"
        )
