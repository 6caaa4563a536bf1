"""TrainingRow: a row of a training set, in training order. A model reads input + output."""

import dataframely as dy

from jz3.tables.words import KINDS, LEVELS


class TrainingRow(dy.Schema):
    position = dy.Int64(primary_key=True, min=0)  # place in the training order
    row_id = dy.String(min_length=1)  # the problem that it is
    part = dy.Enum(["pretrain", "instruction"])
    source = dy.String(min_length=1)
    level = dy.Enum(LEVELS, nullable=True)
    kind = dy.Enum(KINDS)
    input = dy.String(min_length=1)  # no loss on it
    output = dy.String(min_length=1)
