"""Puts passages into the templates of their levels.

Promises: level and kind of a prompt are drawn by hash of (seed, passage), so a new passage does not affect
others; a prompt contains its passage unchanged; prompts are sorted by id, in whatever order passages come.
Costs: a core-second per 20,000 prompts or so, including reading and writing; disk for the prompts once more
(lz4); memory that hardly grows with their number (1.5 GB with 0.3 million, 1.6 GB with 1.2, 1.7 GB with 3, on
two cores: `benchmarks/corpus.py`), where all of 6 million would take 23.
"""

from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from typing import Annotated

import polars as pl
from pydantic import BaseModel, Field, model_validator

from jz3.core.counts import counts
from jz3.core.external_sort import Unsorted
from jz3.core.hashing import content_id, draw_order
from jz3.core.params import Params, ParamsError, Seed
from jz3.corpus.templates import Templates
from jz3.tables.prompt import Prompt
from jz3.tables.words import Level

HALF_RANGE = 1 << 63
"""`draw_order` gives numbers below this (63 bits)."""
PASSAGES = 10_000
"""Passages whose prompts are Python objects at once (chosen: some 40 MB of prompts, with eight levels
300).
"""


class ComposeParams(Params):
    """How levels and kinds are distributed."""

    seed: Seed
    tool_share: float = Field(ge=0, le=1)
    """Share of the prompts that ask for a program."""
    levels: list[Level] = Field(min_length=1)
    """Levels that prompts are written for; each has a template `full/cot/LEVEL.md`."""
    levels_per_passage: dict[str, Annotated[int, Field(ge=1)]]
    """For each source, the number of levels for which a passage gets a prompt."""

    @model_validator(mode="after")
    def _enough_levels(self) -> "ComposeParams":
        if repeated := [level for level, times in Counter(self.levels).items() if times > 1]:
            raise ValueError(f"levels names {repeated[0]} twice")
        for source, number in self.levels_per_passage.items():
            if number > len(self.levels):
                raise ValueError(
                    f"levels_per_passage.{source} is {number}; there are {len(self.levels)} levels"
                )
        return self


class ComposeMetrics(BaseModel):
    """Total number of prompts, by level and by kind, and the characters of both forms."""

    passages: int
    prompts: int
    by_level: dict[str, int]
    by_kind: dict[str, int]
    full_characters: int
    compact_characters: int


def compose(
    passages: pl.LazyFrame, frames: Iterable[pl.DataFrame], templates: Templates, params: ComposeParams
) -> Unsorted[ComposeMetrics]:
    """The prompts of all passages. `passages` are those of the frames, which are counted first.

    Raises ParamsError if a source has no number of levels.
    """
    by_source = passages.group_by("source").len().collect(engine="streaming")
    if unnamed := sorted(set(by_source["source"]) - set(params.levels_per_passage)):
        raise ParamsError(
            f"compose.levels_per_passage has no source '{unnamed[0]}', which has passages; its number of "
            f"levels was expected there. Add it."
        )
    rows = sum(params.levels_per_passage[source] * number for source, number in by_source.iter_rows())
    made = _composed(frames, templates, params)
    return Unsorted(made, Prompt.create_empty().schema, "prompt_id", rows)


def _composed(
    frames: Iterable[pl.DataFrame], templates: Templates, params: ComposeParams
) -> Generator[pl.DataFrame, None, ComposeMetrics]:
    read = full = compact = 0
    levels, kinds = Counter[str](), Counter[str]()
    for passages in (piece for frame in frames for piece in frame.iter_slices(PASSAGES)):
        prompts = _prompts(passages, templates, params)
        read += passages.height
        levels.update(counts(prompts["level"]))
        kinds.update(counts(prompts["kind"]))
        full += int(prompts["full"].str.len_chars().sum())
        compact += int(prompts["compact"].str.len_chars().sum())
        yield prompts
    return ComposeMetrics(
        passages=read,
        prompts=kinds.total(),
        by_level=dict(sorted(levels.items())),
        by_kind=dict(sorted(kinds.items())),
        full_characters=full,
        compact_characters=compact,
    )


def _prompts(passages: pl.DataFrame, templates: Templates, params: ComposeParams) -> pl.DataFrame:
    return pl.DataFrame(
        [
            _prompt(passage, level, templates, params)
            for passage in passages.iter_rows(named=True)
            for level in levels_of(
                passage["passage_id"],
                params.levels,
                params.levels_per_passage[passage["source"]],
                params.seed,
            )
        ],
        schema=Prompt.create_empty().schema,
    )


def levels_of(passage_id: str, levels: Sequence[str], count: int, seed: int) -> Sequence[str]:
    """The `count` levels with the smallest hashes; a larger count keeps those of a smaller one."""
    return sorted(levels, key=lambda level: draw_order(seed, f"level/{passage_id}/{level}"))[:count]


def kind_of(passage_id: str, level: str, tool_share: float, seed: int) -> str:
    """`tool` for that share of the prompts, otherwise `cot`."""
    point = draw_order(seed, f"kind/{passage_id}/{level}") / HALF_RANGE
    return "tool" if point < tool_share else "cot"


def _prompt(
    passage: dict[str, str], level: str, templates: Templates, params: ComposeParams
) -> dict[str, str]:
    passage_id, text = passage["passage_id"], passage["text"]
    kind = kind_of(passage_id, level, params.tool_share, params.seed)
    demonstration = draw_order(params.seed, f"demonstration/{passage_id}/{level}")
    return {
        "prompt_id": content_id(passage_id, level, kind),
        "passage_id": passage_id,
        "source": passage["source"],
        "level": level,
        "kind": kind,
        "full": templates.full_prompt(level, kind, text, demonstration),
        "compact": templates.compact_prompt(level, kind, text),
    }
