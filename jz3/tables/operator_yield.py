"""OperatorYield: of an arm, the rows of an operator of its recipe, and those that it kept."""

import dataframely as dy


class OperatorYield(dy.Schema):
    set = dy.String(primary_key=True)
    stage = dy.String(primary_key=True)  # as in data/metrics: distill/boosted, augment/metamath
    operator = dy.String(primary_key=True)  # `write` where a stage has but one
    asked = dy.Int64(min=0)  # of a teacher; of `mask`, which asks nobody, maskings
    kept = dy.Int64(min=0)
    share = dy.Float64(min=0, max=1, nullable=True)  # null where there was nothing
