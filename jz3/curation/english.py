"""Whether texts are English, by their script and by the most common words.

Costs: a microsecond or two for a text that is plain ASCII and has two of the words near its start.
"""

import polars as pl
from pydantic import Field, model_validator

from jz3.core.params import Params
from jz3.curation.patterns import Share

_COMMAND = r"\\(?:begin|end)\{[^{}]*\}|\\[a-zA-Z]+"
_PROSE_WORD = r"\pL{2,}"
"""A word of prose; in mathematics letters are single."""
# Letters that all scripts share (mathematical alphabets) are not foreign.
_FOREIGN_LETTER = r"[\p{L}--[\p{Latin}\p{Greek}\p{Common}\p{Inherited}]]"
_SHOWN = 120


class English(Params):
    """What makes a text count as English."""

    most_foreign_letters: Share
    """The largest share of letters from scripts other than Latin and Greek."""
    common_words: list[str]
    least_common: int = Field(ge=0)
    """The lowest number of different common words in a text."""
    least_words: int = Field(ge=1)
    """Texts with fewer words of prose (numbers, commands and single letters do not count) need no common
    words.
    """

    @model_validator(mode="after")
    def _can_be_met(self) -> "English":
        if self.least_common > len(set(self.common_words)):
            raise ValueError(f"least_common {self.least_common} is above the number of common_words")
        return self


def not_english(texts: pl.Series, bounds: English) -> pl.Series:
    """Evidence that a text is in another script or language; null if there is none."""
    rows = pl.DataFrame({"text": texts}).with_row_index("row")
    found = pl.concat([_foreign(rows, bounds), _uncommon(rows, bounds)]).unique("row", keep="first")
    return rows.join(found, on="row", how="left", maintain_order="left")["evidence"].alias(texts.name)


def _foreign(rows: pl.DataFrame, bounds: English) -> pl.DataFrame:
    """Columns `row` and `evidence` of texts in another script."""
    text = pl.col("text")
    foreign, letters = text.str.count_matches(_FOREIGN_LETTER), text.str.count_matches(r"\p{L}")
    return (
        rows.filter(text.str.len_bytes() != text.str.len_chars())
        .with_columns(foreign=foreign, letters=letters)
        .filter(pl.col("foreign") > bounds.most_foreign_letters * pl.col("letters"))
        .select("row", evidence=pl.format("{} of {} letters are of another script", "foreign", "letters"))
    )


def _uncommon(rows: pl.DataFrame, bounds: English) -> pl.DataFrame:
    """Columns `row` and `evidence` of texts with too few common words. Stops at the words that suffice."""
    text = pl.col("text")
    left = rows.with_columns(common=pl.lit(0))
    for word in bounds.common_words:
        has = text.str.contains(rf"(?i)(?:^|[^a-z]){word}(?:[^a-z]|$)")
        left = left.with_columns(pl.col("common") + has.cast(pl.Int32)).filter(
            pl.col("common") < bounds.least_common
        )
    prose = text.str.replace_all(_COMMAND, " ")
    return left.filter(prose.str.count_matches(_PROSE_WORD) >= bounds.least_words).select(
        "row", evidence=pl.format("{} of the commonest words: {}", "common", text.str.slice(0, _SHOWN))
    )
