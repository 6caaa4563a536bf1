"""Lineage: what a recipe's problem was written from, and what its answer was checked against."""

import dataframely as dy

EXPECTED_FROM = ("gold", "masked", "executed", "none")
"""Source of the expected answer: the seed's gold answer, the number that was masked in the seed, or what a
program printed; `none` if nothing confirms the answer.
"""


class Lineage(dy.Schema):
    problem_id = dy.String(primary_key=True)  # content id of recipe, operator, seeds, variant and draw
    recipe = dy.String(min_length=1)
    operator = dy.String(min_length=1)  # a step of the recipe: `answer`, `rephrase` ...
    seed_ids = dy.List(dy.String(), min_length=1)
    parent_ids = dy.List(dy.String())  # of intermediate texts; empty if written from its seeds directly
    variant = dy.String()  # which form of one seed, such as the masked place; empty if there is one
    draw = dy.Int64(min=0)  # number of the answer to one request
    expected = dy.String(nullable=True)
    expected_from = dy.Enum(EXPECTED_FROM)
