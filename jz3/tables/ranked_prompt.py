"""RankedPrompt: what `select` saw of a candidate prompt, its place, and by which rule it was not chosen."""

import dataframely as dy

from jz3.tables.words import LEVEL_NAME


class RankedPrompt(dy.Schema):
    prompt_id = dy.String(primary_key=True)
    source = dy.String(min_length=1)
    level = dy.String(regex=LEVEL_NAME)
    rule = dy.String(nullable=True)  # null: chosen
    place = dy.Int64(min=1, nullable=True)  # in the order of the choice; null where it could not be chosen
    problems = dy.Int64(min=0)  # of this prompt, with a score; where there is none, all that follow are null
    value = dy.Float64(nullable=True)
    best_task = dy.String(nullable=True)  # of the problem of highest value
    loss = dy.Float64(min=0, nullable=True)  # nats a solution token
    solution_tokens = dy.Float64(min=0, nullable=True)
    cosines = dy.List(dy.Float64(), min_length=1, nullable=True)  # value at each checkpoint alone
