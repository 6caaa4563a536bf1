"""ScoreRow: a line of the evaluation tables."""

import dataframely as dy


class ScoreRow(dy.Schema):
    model = dy.String(primary_key=True)
    setting = dy.String(primary_key=True)  # prose, tool; `both` for averages over the two
    benchmark = dy.String(primary_key=True)
    group_by = dy.String(primary_key=True)  # all, level, subject, coverage, average
    group = dy.String(primary_key=True)  # the value of that group; `all` for all items
    items = dy.Int64(min=1)
    accuracy = dy.Float64(min=0, max=100)  # per cent, strict extraction
    low = dy.Float64(min=0, max=100)  # 95 % bootstrap interval over items
    high = dy.Float64(min=0, max=100)
    accuracy_lenient = dy.Float64(min=0, max=100)
    clean_items = dy.Int64(min=0)  # items without a hit in the certificate of the mix
    accuracy_clean = dy.Float64(min=0, max=100, nullable=True)  # on these; null where there is none
    contamination = dy.String()  # checked, unchecked
