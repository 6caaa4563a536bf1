"""OperatorYield: how many rows an operator of an arm's recipe asked for, and how many were kept."""

import dataframely as dy


class OperatorYield(dy.Schema):
    set = dy.String(primary_key=True)
    stage = dy.String(primary_key=True)  # as in data/metrics: distill/boosted, augment/metamath
    operator = dy.String(primary_key=True)  # `write` if the stage has only one
    asked = dy.Int64(min=0)  # requests to a teacher; for `mask`, which asks nobody, maskings
    kept = dy.Int64(min=0)
    share = dy.Float64(min=0, max=1, nullable=True)  # null if nothing was asked
