"""Verdict: a curation stage's judgement of a row. No verdict with a rule: the row is kept."""

import dataframely as dy


class Verdict(dy.Schema):
    row_id = dy.String(primary_key=True)
    rule = dy.String(nullable=True)  # null: kept
    evidence = dy.String(
        nullable=True
    )  # what the rule saw; the survivor of a duplicate, the benchmark item hit
