"""Value: how much a problem is worth by a method; selections rank problems and their prompts by it."""

import dataframely as dy


class Value(dy.Schema):
    problem_id = dy.String(primary_key=True)
    method = dy.String(primary_key=True)  # `influence`, or the method's name in `value`
    value = dy.Float64()  # the higher the better; comparable only within one method
    solution_tokens = dy.Int64(min=1)  # by the tokenizer of the reference model
    task = dy.String(nullable=True)  # the target task that gives the value; null if the method has no tasks
    loss = dy.Float64(min=0, nullable=True)  # of the solution, in nats per token; null if no model reads it
    cosines = dy.List(dy.Float64(), min_length=1, nullable=True)  # at each checkpoint, if any
