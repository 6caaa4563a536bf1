"""Words and phrases as polars finds them, in many texts at a time."""

from collections.abc import Sequence
from typing import Annotated

import polars as pl
from pydantic import Field

from jz3.curation.verdicts import EVIDENCE_CHARACTERS

Share = Annotated[float, Field(ge=0, le=1)]

WORD = r"[\pL\pN]+(?:[.,'’][\pL\pN]+)*"
"""A word or a number."""
_AROUND = 40
"""Characters around a phrase that are shown with it."""


def shown_of(text: pl.Expr) -> pl.Expr:
    """A text as evidence, cut as in `verdicts.shown`."""
    cut = pl.concat_str(text.str.slice(0, EVIDENCE_CHARACTERS - 3), pl.lit("..."))
    return pl.when(text.str.len_chars() <= EVIDENCE_CHARACTERS).then(text).otherwise(cut)


def phrase_in(column: str, phrases: Sequence[str]) -> pl.Expr:
    """The first phrase found in a text, in any case and between word boundaries, with its surroundings."""
    if not phrases:
        return pl.lit(None, dtype=pl.String)
    bounded = "|".join(map(_bounded, phrases))
    return pl.col(column).map_batches(lambda texts: _seen(texts, bounded), return_dtype=pl.String)


def _bounded(phrase: str) -> str:
    before = "(?:^|[^0-9A-Za-z])" if phrase[0].isalnum() else ""
    after = "(?:$|[^0-9A-Za-z])" if phrase[-1].isalnum() else ""
    return f"{before}{pl.escape_regex(phrase)}{after}"


def _seen(texts: pl.Series, bounded: str) -> pl.Series:
    hits = texts.str.contains(f"(?i)(?:{bounded})").arg_true()
    around = texts.gather(hits).str.extract(rf"(?is)(.{{0,{_AROUND}}}?(?:{bounded}).{{0,{_AROUND}}})")
    evidence = pl.Series(texts.name, [None], dtype=pl.String).new_from_index(0, texts.len())
    return evidence.scatter(hits, around) if hits.len() else evidence
