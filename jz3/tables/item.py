"""Item: a question of a benchmark with its gold answer."""

import dataframely as dy

JOINED = " + "
"""Separates the two families in the subject of an item that joins them."""


class Item(dy.Schema):
    item_id = dy.String(primary_key=True)  # `benchmark/number`, zero-padded
    benchmark = dy.String(min_length=1)
    revision = dy.String(min_length=1)  # digest of the file, hub revision, or package version
    question = dy.String(min_length=1)  # as shown to a model, without answer choices
    choices = dy.List(dy.String(), nullable=True)  # texts of the choices A, B, ...; null for open questions
    gold = dy.String(min_length=1)
    subject = dy.String(nullable=True)  # a family, two with JOINED between them, or a subject of MATH
    level = dy.String(nullable=True)
