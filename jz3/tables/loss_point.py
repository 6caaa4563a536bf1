"""LossPoint: a step of a training."""

import dataframely as dy


class LossPoint(dy.Schema):
    step = dy.Int64(primary_key=True, min=1)
    tokens = dy.Int64(min=0)  # read so far, padding not counted
    loss = dy.Float64()  # nats a label token, mean over the step
    learning_rate = dy.Float64(min=0)
    gradient_norm = dy.Float64(min=0)
