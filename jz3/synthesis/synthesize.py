"""A synthesis model writes a completion for each prompt.

A row's seed comes from the stage's seed and its prompt's id, so a larger set asks only for the new prompts.
Prompts and completions are read and written in frames, so that memory holds all ids but only a window of
texts (under 6 GB for six million). Costs the model's time for the rows that the store lacks, and one read of
those that it has.
"""

import logging
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel

from jz3.core.artifacts import InDir
from jz3.core.counts import counts
from jz3.core.errors import UserError
from jz3.core.execution import Execution
from jz3.core.hashing import draw_order
from jz3.core.params import Params, Seed
from jz3.core.progress import Progress
from jz3.generation.completion_rows import (
    GENERATE,
    Keys,
    completion_tokens,
    generate_windows,
    generation_workers,
    payload,
)
from jz3.generation.engine import (
    ComputedIn,
    Engine,
    EngineName,
    GenerationRequest,
    Sampling,
    text_in_other_batches,
    text_in_same_batches,
)
from jz3.store.row_store import open_store
from jz3.synthesis.key_order import in_key_order
from jz3.tables.completion import Completion
from jz3.tables.failure import Failure
from jz3.tables.ledger import Ledger
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.prompt import Prompt
from jz3.tables.words import KINDS, PromptForm, in_order
from jz3.workers.batch import Lost, Request
from jz3.workers.crew import open_crew

log = logging.getLogger(__name__)

FRAME_ROWS = 20_000
"""Prompts read at a time: some 60 MB of text."""
WINDOW_ROWS = 40_000
"""Prompts of one kind that are sorted into batches of similar length (chosen); rounded up to whole
batches.
"""


class SynthesizeParams(Params):
    """The section `synthesize`."""

    seed: Seed
    engine: EngineName
    dtype: ComputedIn
    """The number format in which the model computes; part of a row's key."""
    cot: Sampling
    tool: Sampling


class SynthesizeMetrics(BaseModel):
    """Counts and rates of one run of the stage."""

    rows: Ledger
    prompt_tokens: int
    completion_tokens: int
    tokens_saved: int
    """Estimated prompt tokens that the compact form saves against the full one; 0 for the full form."""
    shared_prefix_tokens: int
    """Estimated prompt tokens that all prompts of a level and kind begin with, and that an engine with a
    prefix cache computes once for each of these: the instructions, if the full form is used.
    """
    truncation_rate: float
    """Share of completions that were cut off at max_tokens or at the end of the model's context."""
    share_per_level: dict[str, float]
    share_per_kind: dict[str, float]


@dataclass(frozen=True)
class Slice:
    """Part `number` (from 1) of `count` parts of all keys; a row's part does not depend on the other rows."""

    number: int
    count: int

    def holds(self, keys: pl.Series) -> NDArray[np.bool_]:
        numbers = keys.str.tail(8).str.to_integer(base=16, dtype=pl.Int64).to_numpy()
        return numbers % self.count == self.number - 1


WHOLE = Slice(1, 1)


@dataclass
class Beginning:
    """The common beginning of prompts: the smallest and the greatest text share exactly what all of them
    share.
    """

    rows: int
    least: str
    greatest: str

    def add(self, rows: int, least: str, greatest: str) -> None:
        self.rows += rows
        self.least, self.greatest = min(self.least, least), max(self.greatest, greatest)

    @property
    def shared_characters(self) -> int:
        """Characters that all rows begin with, summed over all rows but the first."""
        pairs = enumerate(zip(self.least, self.greatest, strict=False))
        end = min(len(self.least), len(self.greatest))
        return (self.rows - 1) * next((place for place, (one, other) in pairs if one != other), end)


def form_of(model: InDir[ModelManifest]) -> PromptForm:
    """The form of the prompts that a synthesis model was trained on. Raises UserError if its manifest has
    none.
    """
    form = model.manifest().prompt_form
    if form is None:
        raise UserError(
            f"{model.path}/manifest.json has prompt_form null, as the model was not taught to write "
            f"problems; `full` or `compact` was expected. Give a model that `finetune` left."
        )
    return form


@dataclass(frozen=True)
class Synthesized:
    """What is known about the prompts once the last completion was read."""

    failures: pl.DataFrame
    """Table of Failure: the prompts without a completion."""
    metrics: SynthesizeMetrics


class Synthesis:
    """The completions of a table of prompts, read in form `form`."""

    def __init__(
        self,
        prompts: pl.LazyFrame,
        form: PromptForm,
        engine: Engine,
        params: SynthesizeParams,
        execution: Execution,
    ) -> None:
        self._form: PromptForm = form
        self._prompts, self._engine, self._params, self._execution = prompts, engine, params, execution
        self._beginnings: dict[tuple[str, str], Beginning] = {}
        self._asked = self._keys_of_prompts()
        self._failures: list[dict[str, str]] = []
        self._levels: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        self._prompt_tokens = self._completion_tokens = self._truncated = 0

    def fill(self, part: Slice) -> None:
        """Compute what the store lacks of a slice; only rows in the store are left."""
        for row in self._results(part):
            if isinstance(row, Lost):
                log.warning("row %s %s", row.key, row.reason)

    def completions(self) -> Generator[pl.DataFrame, None, Synthesized]:
        """Frames of Completion in key order. A prompt that fills the model's context is a failure."""
        asked = self._asked.select("completion_id", "prompt_id", "level", "kind").sort("completion_id")
        for frame in in_key_order(self._answered(), asked.height, open_store().root):
            near = _between(asked, frame["completion_id"])
            yield self._made(frame.join(near, on="completion_id", how="left", maintain_order="left"))
        return Synthesized(
            pl.DataFrame(self._failures, schema=Failure.create_empty().schema), self._metrics()
        )

    def notes(self) -> dict[str, str]:
        """For the manifest: who wrote the texts and how, and whether another batch gives the same texts."""
        identity = self._engine.identity
        return identity | {
            "text_in_same_batches": text_in_same_batches(identity),
            "prompt_form": self._form,
            "sampling_cot": self._params.cot.model_dump_json(),
            "sampling_tool": self._params.tool.model_dump_json(),
            "text_in_other_batches": text_in_other_batches(identity),
        }

    def _answered(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Key and result of each existing row; the others are failures."""
        for row in self._results(WHOLE):
            if isinstance(row, Lost):
                self._fail(row)
            else:
                yield row

    def _metrics(self) -> SynthesizeMetrics:
        kept = self._kinds.total()
        sent, full = (int(self._asked[column].sum()) for column in ("sent_characters", "full_characters"))
        return SynthesizeMetrics(
            rows=Ledger(read=self._asked.height, kept=kept, rejected={}, failed=len(self._failures)),
            prompt_tokens=self._prompt_tokens,
            completion_tokens=self._completion_tokens,
            # Characters saved or shared, times the ratio of tokens to characters in what is sent.
            tokens_saved=round((full - sent) * self._prompt_tokens / max(sent, 1)),
            shared_prefix_tokens=round(
                sum(beginning.shared_characters for beginning in self._beginnings.values())
                * self._prompt_tokens
                / max(sent, 1)
            ),
            truncation_rate=self._truncated / max(kept, 1),
            share_per_level={
                level: self._levels[level] / max(kept, 1) for level in in_order(self._asked["level"].unique())
            },
            share_per_kind={kind: self._kinds[kind] / max(kept, 1) for kind in KINDS},
        )

    def _keys_of_prompts(self) -> pl.DataFrame:
        """For each prompt, in order: the key of its completion, its level and kind, and the lengths of its
        forms.
        """
        read = [
            frame.select(
                self._keys(frame).alias("completion_id"),
                "prompt_id",
                pl.col("level").cast(pl.Categorical),  # 4 bytes per prompt
                "kind",
                full_characters=pl.col("full").str.len_chars(),
                sent_characters=pl.col(self._form).str.len_chars(),
            )
            for frame in map(self._note_beginnings, map(Prompt.validate, _frames(self._prompts)))
        ]
        rows_of_window = (
            -(-WINDOW_ROWS // self._execution.generation_commit) * self._execution.generation_commit
        )
        place_in_kind = pl.int_range(pl.len()).over("kind")
        return pl.concat(read, rechunk=True).with_columns(window=place_in_kind // rows_of_window)

    def _keys(self, frame: pl.DataFrame) -> pl.Series:
        keys = {kind: Keys(self._engine, self._sampling(kind)) for kind in KINDS}
        rows = frame.select("prompt_id", self._form, "kind").iter_rows()
        return pl.Series(
            [keys[kind].of(text, self._seed(prompt_id)) for prompt_id, text, kind in rows], dtype=pl.String
        )

    def _note_beginnings(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The same frame, after adding its texts to the beginnings of their level and kind."""
        text = pl.col(self._form)
        groups = frame.group_by("level", "kind").agg(
            pl.len().alias("rows"), text.min().alias("least"), text.max().alias("greatest")
        )
        for level, kind, rows, least, greatest in groups.iter_rows():
            known = self._beginnings.get((level, kind))
            if known is None:
                self._beginnings[level, kind] = Beginning(rows, least, greatest)
            else:
                known.add(rows, least, greatest)
        return frame

    def _seed(self, prompt_id: str) -> int:
        return draw_order(self._params.seed, prompt_id)

    def _sampling(self, kind: str) -> Sampling:
        return self._params.tool if kind == "tool" else self._params.cot

    def _results(self, part: Slice) -> Iterator[tuple[str, dict[str, Any]] | Lost]:
        """Key and result of each row of a slice: first those in the store, then those computed now."""
        missing = part.holds(self._asked["completion_id"])
        places = np.flatnonzero(missing)
        keys = self._asked["completion_id"].filter(missing).to_list()
        for place, result in open_store().sweep(GENERATE, keys):
            missing[places[place]] = False
            yield keys[place], result
        count = int(missing.sum())
        log.info("completions: %d rows, %d of them to compute", len(keys), count)
        del keys, places
        if not count:
            return
        with (
            Progress("completions", count, "rows", also="tokens") as bar,
            open_crew(generation_workers(self._engine, self._execution)) as crew,
        ):
            for row in generate_windows(self._engine, self._windows(missing), self._execution, crew):
                bar.advance(1, 0 if isinstance(row, Lost) else completion_tokens(row[1]))
                yield row

    def _windows(self, missing: NDArray[np.bool_]) -> Iterator[Mapping[str, Request]]:
        """The missing rows of each window; a window's bounds do not depend on which rows are missing."""
        start, numbers = 0, dict.fromkeys(KINDS, 0)
        windows: dict[str, dict[str, Request]] = {kind: {} for kind in KINDS}
        for frame in _frames(self._prompts.select(self._form)):
            asked = self._asked.slice(start, frame.height).with_columns(
                frame.to_series().alias("text"), pl.Series("missing", missing[start : start + frame.height])
            )
            start += frame.height
            for kind, window, key, prompt_id, text in (
                asked.filter("missing")
                .select("kind", "window", "completion_id", "prompt_id", "text")
                .iter_rows()
            ):
                if window != numbers[kind]:
                    yield windows[kind]
                    windows[kind], numbers[kind] = {}, window
                request = GenerationRequest(text, self._seed(prompt_id))
                windows[kind][key] = payload(self._engine, request, self._sampling(kind))
        yield from windows.values()

    def _made(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The completions of rows in key order. A model draws at least one token unless there is no room."""
        made, unmade = (
            rows.filter(pl.col("completion_tokens") > 0),
            rows.filter(pl.col("completion_tokens") == 0),
        )
        self._failures += [
            {
                "request_id": row["completion_id"],
                "row_id": row["prompt_id"],
                "reason": _why_unmade(row["finish_reason"], row["prompt_tokens"]),
            }
            for row in unmade.iter_rows(named=True)
        ]
        self._prompt_tokens += int(rows["prompt_tokens"].sum())
        self._completion_tokens += int(rows["completion_tokens"].sum())
        self._truncated += made.filter(pl.col("finish_reason") == "length").height
        self._levels.update(counts(made["level"]))
        self._kinds.update(counts(made["kind"]))
        return Completion.cast(made.select(Completion.column_names()))

    def _fail(self, lost: Lost) -> None:
        (prompt_id,) = self._asked.filter(pl.col("completion_id") == lost.key)["prompt_id"]
        self._failures.append({"request_id": lost.key, "row_id": prompt_id, "reason": lost.reason})


def _why_unmade(finish_reason: str, prompt_tokens: int) -> str:
    if finish_reason == "length":
        return f"the prompt's {prompt_tokens} tokens leave no room in the model's context"
    return f"the server wrote no token: {finish_reason}"


def _between(asked: pl.DataFrame, keys: pl.Series) -> pl.DataFrame:
    """The slice of `asked` between the first and the last of `keys`; both are sorted by completion_id."""
    if not len(keys):
        return asked.head(0)
    ids = asked["completion_id"]
    start, stop = ids.search_sorted(keys[0], "left"), ids.search_sorted(keys[-1], "right")
    return asked.slice(start, stop - start)


def _frames(rows: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """The frames of a table, in order; an empty table is one empty frame."""
    read = False
    for frame in rows.collect_batches(chunk_size=FRAME_ROWS, maintain_order=True):
        read = True
        yield frame
    if not read:
        yield rows.head(0).collect()
