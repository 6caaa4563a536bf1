"""Which problems stay."""

import dataframely as dy
import polars as pl
from jz3.small.choosing import key_of, words_of
from jz3.small.tables import Posed

from jz3.core.params import Params


class FilterParams(Params):
    """What a problem must have."""

    least_words: int


def long_enough(problems: dy.DataFrame[Posed], params: FilterParams) -> pl.DataFrame:
    return problems.filter([words_of(text) >= params.least_words for text in problems["problem"]])


def firsts(problems: dy.DataFrame[Posed]) -> pl.DataFrame:
    keys = pl.Series("key", [key_of(text) for text in problems["problem"]])
    return problems.filter(keys.is_first_distinct())
