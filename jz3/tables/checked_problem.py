"""CheckedProblem: whether a problem of a recipe is right, by a checker that no curation rule uses."""

import dataframely as dy

from jz3.tables.words import KINDS


class CheckedProblem(dy.Schema):
    problem_id = dy.String(primary_key=True)
    kind = dy.Enum(KINDS)
    family = dy.String(nullable=True)  # the writer's family whose wording it has; null if it has that of none
    right = dy.Bool(nullable=True)  # whether its answer is the exact one; null if no family reads the recipe
