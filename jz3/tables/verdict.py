"""Verdict: a curation stage's judgement of a row, which is kept if no verdict has a rule."""

import dataframely as dy


class Verdict(dy.Schema):
    row_id = dy.String(primary_key=True)
    rule = dy.String(nullable=True)  # null: kept
    evidence = dy.String(
        nullable=True
    )  # what the rule saw: for a duplicate the row kept in its place, for a hit the benchmark item
