"""SeedProblem: a problem with its gold answer from which a recipe starts, and what may be done with it."""

import dataframely as dy

from jz3.tables.words import KINDS, LEVEL_NAME

SPLITS = ("train", "validation")
"""The splits that seeds may come from: never one that a benchmark is made of."""


class SeedProblem(dy.Schema):
    seed_id = dy.String(primary_key=True)  # `problem_id` of the seed problem
    origin = dy.String(min_length=1)  # its name in the parameters of `tasks`
    licence = dy.String(min_length=1)  # of the data set; SPDX where there is one
    split = dy.Enum(SPLITS)  # of the data set
    level = dy.String(regex=LEVEL_NAME, nullable=True)
    kind = dy.Enum(KINDS)  # of its own solution
    subject = dy.String(nullable=True)
    question = dy.String(min_length=1)
    solution = dy.String(min_length=1)
    answer = dy.String(nullable=True)  # gold; null if the data set has none (a proof)
