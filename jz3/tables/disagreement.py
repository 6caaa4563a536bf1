"""Disagreement: a response on which plain math-verify and our rules give different verdicts."""

import dataframely as dy


class Disagreement(dy.Schema):
    model = dy.String(primary_key=True)
    response_id = dy.String(primary_key=True)
    benchmark = dy.String(min_length=1)
    gold = dy.String(min_length=1)
    predicted = dy.String()
    correct = dy.Bool()  # our verdict
    rule = dy.String(min_length=1)
    second_opinion = dy.Bool()  # math-verify's verdict
