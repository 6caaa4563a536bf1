"""Puts passages into the templates of their levels.

Promises: level and kind of a prompt are drawn by hash of (seed, passage), so a new passage changes no
other's; a passage stands in its prompt character by character. Costs: some 50,000 prompts a second of a core,
and the memory of all of them (3.9 kB each in the full and the compact form).
"""

from collections.abc import Sequence
from typing import Annotated

import polars as pl
from pydantic import BaseModel, Field

from jz3.core.counts import counts
from jz3.core.hashing import content_id, draw_order
from jz3.core.params import Params
from jz3.corpus.templates import Templates
from jz3.tables.prompt import Prompt
from jz3.tables.words import LEVELS

HALF_RANGE = 1 << 63
"""`draw_order` gives 63 bits."""
PASSAGES_AT_ONCE = 10_000
"""Whose prompts are Python's at once, beside the table (chosen). All of 100,000 at once took 1.8 times the
memory of their table, so 1.0 times (measured).
"""


class ComposeParams(Params):
    """How levels and kinds are shared out."""

    seed: int
    tool_share: float = Field(ge=0, le=1)
    """Share of the prompts that ask for a program."""
    levels_per_passage: dict[str, Annotated[int, Field(ge=1, le=len(LEVELS))]]
    """By source: of how many levels each passage gets a prompt."""


class ComposeMetrics(BaseModel):
    """Prompts in all, by level and by kind, and the characters of both forms."""

    passages: int
    prompts: int
    by_level: dict[str, int]
    by_kind: dict[str, int]
    full_characters: int
    compact_characters: int


def compose(
    passages: pl.DataFrame, templates: Templates, params: ComposeParams
) -> tuple[pl.DataFrame, ComposeMetrics]:
    """Prompts of the passages."""
    prompts = pl.concat(
        [
            Prompt.create_empty(),
            *(_prompts(some, templates, params) for some in passages.iter_slices(PASSAGES_AT_ONCE)),
        ]
    )
    return prompts, ComposeMetrics(
        passages=passages.height,
        prompts=prompts.height,
        by_level=counts(prompts["level"]),
        by_kind=counts(prompts["kind"]),
        full_characters=int(prompts["full"].str.len_chars().sum()),
        compact_characters=int(prompts["compact"].str.len_chars().sum()),
    )


def _prompts(passages: pl.DataFrame, templates: Templates, params: ComposeParams) -> pl.DataFrame:
    return pl.DataFrame(
        [
            _prompt(passage, level, templates, params)
            for passage in passages.iter_rows(named=True)
            for level in levels_of(
                passage["passage_id"], params.levels_per_passage[passage["source"]], params.seed
            )
        ],
        schema=Prompt.create_empty().schema,
    )


def levels_of(passage_id: str, count: int, seed: int) -> Sequence[str]:
    """The levels with the least hash; more of them keep the first."""
    return sorted(LEVELS, key=lambda level: draw_order(seed, f"level/{passage_id}/{level}"))[:count]


def kind_of(passage_id: str, level: str, tool_share: float, seed: int) -> str:
    """`tool` for that share of the prompts."""
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
