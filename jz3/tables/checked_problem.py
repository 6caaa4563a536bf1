"""CheckedProblem: whether a problem of a recipe is right, by a checker that no curation rule sees."""

import dataframely as dy

from jz3.tables.words import KINDS


class CheckedProblem(dy.Schema):
    problem_id = dy.String(primary_key=True)
    kind = dy.Enum(KINDS)
    family = dy.String(nullable=True)  # of the writer, whose wording it has; null where no family reads it
    right = dy.Bool(nullable=True)  # its answer is the exact one; null where the writer taught nothing
