"""Lineage: of a recipe's problem, what it was written from and what its answer was held against."""

import dataframely as dy

EXPECTED_FROM = ("gold", "masked", "executed", "none")
"""Whose answer is expected: the seed's gold answer, the number that was masked in it, what a program printed;
none where nothing confirms the answer.
"""


class Lineage(dy.Schema):
    problem_id = dy.String(primary_key=True)  # content id of recipe, operator, seeds, variant and draw
    recipe = dy.String(min_length=1)
    operator = dy.String(min_length=1)  # a step of the recipe: `answer`, `rephrase` ...
    seed_ids = dy.List(dy.String(), min_length=1)
    parent_ids = dy.List(dy.String())  # of what was written on the way; none where it is of the seeds alone
    variant = dy.String()  # which of several forms of one seed: a masked place, say; empty where there is one
    draw = dy.Int64(min=0)  # number of the answer to one request
    expected = dy.String(nullable=True)
    expected_from = dy.Enum(EXPECTED_FROM)
