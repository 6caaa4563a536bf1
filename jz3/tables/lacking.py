"""Lacking: a row that goes without what a stage gives others, with the rule that says why.

It is no reject: the row stays in its own table.
"""

import dataframely as dy


class Lacking(dy.Schema):
    row_id = dy.String(primary_key=True)
    rule = dy.String(min_length=1)  # `stage.rule`, such as `solve.long_answer`
    evidence = dy.String()  # what the rule saw, shortened
