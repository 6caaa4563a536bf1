"""Comparison: two models on the same items."""

import dataframely as dy


class Comparison(dy.Schema):
    benchmark = dy.String(primary_key=True)
    setting = dy.String(primary_key=True)
    model = dy.String(primary_key=True)
    against = dy.String(primary_key=True)
    items = dy.Int64(min=1)
    difference = dy.Float64()  # points of accuracy, model minus against
    low = dy.Float64()  # 95 % paired bootstrap interval
    high = dy.Float64()
    p_value = dy.Float64(min=0, max=1)  # exact McNemar test, two-sided
