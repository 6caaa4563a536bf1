"""TrainingRow: a row of a training set, in training order.

A model reads all turns and learns some of them.
"""

import dataframely as dy
import polars as pl

from jz3.tables.turn import turns_column
from jz3.tables.words import KINDS, LEVEL_NAME


class TrainingRow(dy.Schema):
    position = dy.Int64(primary_key=True, min=0)  # place in the training order
    row_id = dy.String(min_length=1)  # id of the problem in it
    part = dy.Enum(["pretrain", "instruction"])
    source = dy.String(min_length=1)
    level = dy.String(regex=LEVEL_NAME, nullable=True)
    kind = dy.Enum(KINDS)
    turns = turns_column()  # what is trained on; the two columns below hold the same text for readers
    input = dy.String()  # in the plain format: the text before the first learnt turn
    output = dy.String(min_length=1)  # in the plain format: the rest

    @dy.rule()
    def some_turn_is_learnt(cls) -> pl.Expr:  # noqa: N805 (a rule of a schema)
        return pl.col("turns").list.eval(pl.element().struct.field("learn")).list.any()
