"""InfluenceScore: how much training on a problem helps a target task."""

import dataframely as dy


class InfluenceScore(dy.Schema):
    problem_id = dy.String(primary_key=True)
    task = dy.String(primary_key=True)
    score = dy.Float64()  # sum over checkpoints of learning rate x cosine
    cosines = dy.List(dy.Float64(), min_length=1)  # at each checkpoint, in order
    loss = dy.Float64(min=0)  # mean over the solution tokens at the last checkpoint, in nats
    solution_tokens = dy.Int64(min=1)
