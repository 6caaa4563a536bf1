"""Lacking: a row without something that a stage gives other rows, and the rule that says why.

It is not rejected: the row stays in its own table.
"""

import dataframely as dy


class Lacking(dy.Schema):
    row_id = dy.String(primary_key=True)
    rule = dy.String(min_length=1)  # `stage.rule`, such as `solve.long_answer`
    evidence = dy.String()  # what the rule saw, shortened
