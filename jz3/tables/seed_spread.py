"""SeedSpread: the scores of a training set over the training seeds of its models."""

import dataframely as dy


class SeedSpread(dy.Schema):
    set = dy.String(primary_key=True)
    benchmark = dy.String(primary_key=True)
    group = dy.String(primary_key=True)  # `all` items, or the name of an average, such as the macro one
    setting = dy.String(primary_key=True)  # prose, tool; `both` for averages over the two
    models = dy.Int64(min=1)  # one for each training seed
    accuracy = dy.Float64(min=0, max=100)  # per cent, mean over the models
    least = dy.Float64(min=0, max=100)
    greatest = dy.Float64(min=0, max=100)
    deviation = dy.Float64(min=0, nullable=True)  # sample standard deviation in points; null for one model
