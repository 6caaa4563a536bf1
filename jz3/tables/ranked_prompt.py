"""RankedPrompt: a candidate prompt with its rank, its values, and the rule that excluded it, if any."""

import dataframely as dy

from jz3.tables.words import LEVEL_NAME


class RankedPrompt(dy.Schema):
    prompt_id = dy.String(primary_key=True)
    source = dy.String(min_length=1)
    level = dy.String(regex=LEVEL_NAME)
    rule = dy.String(nullable=True)  # null: chosen
    place = dy.Int64(min=1, nullable=True)  # rank in the order of choice; null if it could not be chosen
    problems = dy.Int64(min=0)  # of this prompt that have a score; if 0, all columns below are null
    value = dy.Float64(nullable=True)
    best_task = dy.String(nullable=True)  # of the problem with the highest value
    loss = dy.Float64(min=0, nullable=True)  # nats per solution token
    solution_tokens = dy.Float64(min=0, nullable=True)
    cosines = dy.List(dy.Float64(), min_length=1, nullable=True)  # value at each checkpoint alone
