"""Comparison: two models on the same items."""

import dataframely as dy


class Comparison(dy.Schema):
    benchmark = dy.String(primary_key=True)
    group = dy.String(primary_key=True)  # `all`, or families by which data hold them (`coverage.GROUPS`)
    setting = dy.String(primary_key=True)  # prose, tool; `both` for the macro average over families
    model = dy.String(primary_key=True)
    against = dy.String(primary_key=True)
    items = dy.Int64(min=1)
    difference = dy.Float64()  # points of accuracy, `model` minus `against`
    low = dy.Float64()  # 95 % paired bootstrap interval over items, or over families if `setting` is `both`
    high = dy.Float64()
    p_value = dy.Float64(min=0, max=1, nullable=True)  # exact McNemar test, two-sided; null for averages
    p_holm = dy.Float64(
        min=0, max=1, nullable=True
    )  # corrected for the number of pairs of models on these items (Holm)
    least_difference = dy.Float64(min=0, max=100, nullable=True)
    # the smallest difference, in points, that the test would call significant at 5 % if the two differed on
    # as many items as here; null for averages, and if no difference would do
