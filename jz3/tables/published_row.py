"""PublishedRow: one of our scores beside the one that a paper prints for the same benchmark."""

import dataframely as dy


class PublishedRow(dy.Schema):
    model = dy.String(primary_key=True)
    benchmark = dy.String(primary_key=True)  # `mean` for the unweighted mean over the benchmarks of both
    setting = dy.String(primary_key=True)
    published_model = dy.String(primary_key=True)
    accuracy = dy.Float64(min=0, max=100)  # ours, by strict extraction
    low = dy.Float64(min=0, max=100, nullable=True)  # 95 % interval of ours; null for the mean
    high = dy.Float64(min=0, max=100, nullable=True)
    published = dy.Float64(min=0, max=100)
    difference = dy.Float64()  # ours minus theirs, in points
    source = dy.String(min_length=1)
