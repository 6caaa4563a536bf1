"""Problem: a problem with its solution, from a KD set, from synthesis or from instruction data."""

import dataframely as dy

from jz3.tables.words import KINDS, LEVEL_NAME


class Problem(dy.Schema):
    problem_id = dy.String(primary_key=True)  # id of the completion it was read from, or of the data row
    prompt_id = dy.String(nullable=True)  # null for instruction data and seed problems
    passage_id = dy.String(nullable=True)  # null for instruction data and seed problems
    source = dy.String(
        min_length=1
    )  # that of the passage; `instruction` for instruction data, `seed` for seed problems
    level = dy.String(regex=LEVEL_NAME, nullable=True)  # null if the data do not say
    kind = dy.Enum(KINDS)
    subject = dy.String(nullable=True)  # such as a family or a topic; null if not known
    problem = dy.String(min_length=1)
    solution = dy.String(min_length=1)
    answer = dy.String(nullable=True)  # content of the last box; null if there is none
