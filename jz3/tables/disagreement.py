"""Disagreement: a response on which plain math-verify gives another verdict than our rules."""

import dataframely as dy


class Disagreement(dy.Schema):
    model = dy.String(primary_key=True)
    response_id = dy.String(primary_key=True)
    benchmark = dy.String(min_length=1)
    gold = dy.String(min_length=1)
    predicted = dy.String()
    correct = dy.Bool()  # ours
    rule = dy.String(min_length=1)
    second_opinion = dy.Bool()  # math-verify's
