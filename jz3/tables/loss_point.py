"""LossPoint: a step of a training."""

import dataframely as dy


class LossPoint(dy.Schema):
    step = dy.Int64(primary_key=True, min=1)
    tokens = dy.Int64(min=0)  # read so far, without padding
    loss = dy.Float64()  # mean over the step, in nats per label token
    learning_rate = dy.Float64(min=0)
    gradient_norm = dy.Float64(min=0)
