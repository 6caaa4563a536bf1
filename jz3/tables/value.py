"""Value: how much a problem is worth by a method: what a selection orders problems and their prompts by."""

import dataframely as dy


class Value(dy.Schema):
    problem_id = dy.String(primary_key=True)
    method = dy.String(primary_key=True)  # `influence`, or the name that `value` has for its method
    value = dy.Float64()  # the higher the better; comparable within one method alone
    solution_tokens = dy.Int64(min=1)  # by the tokenizer of the reference model
    task = dy.String(nullable=True)  # the target task that gives the value; null where a method has no tasks
    loss = dy.Float64(min=0, nullable=True)  # of the solution, nats a token; null where no model reads it
    cosines = dy.List(dy.Float64(), min_length=1, nullable=True)  # value at each checkpoint alone, if any
