"""Comparison: two models on the same items."""

import dataframely as dy


class Comparison(dy.Schema):
    benchmark = dy.String(primary_key=True)
    group = dy.String(primary_key=True)  # all, or families by what the data hold of them (`coverage.GROUPS`)
    setting = dy.String(primary_key=True)  # prose, tool; `both` for the macro average over families
    model = dy.String(primary_key=True)
    against = dy.String(primary_key=True)
    items = dy.Int64(min=1)
    difference = dy.Float64()  # points of accuracy, model minus against
    low = dy.Float64()  # 95 % paired bootstrap interval over items; over families where `setting` is `both`
    high = dy.Float64()
    p_value = dy.Float64(min=0, max=1, nullable=True)  # exact McNemar test, two-sided; null for averages
    p_holm = dy.Float64(
        min=0, max=1, nullable=True
    )  # corrected for the pairs of models on these items (Holm)
    least_difference = dy.Float64(min=0, max=100, nullable=True)
    # in points: the least that the test calls significant at 5 % with as many items on which the two differ;
    # null for averages, and where not even all of them would do
