"""Reject: a row that a stage rejected, with the rule and what the rule saw."""

import dataframely as dy


class Reject(dy.Schema):
    row_id = dy.String(primary_key=True)  # id of the row (a document, a completion, a response)
    rule = dy.String(min_length=1)  # `stage.rule`, such as `parse.truncated`
    evidence = dy.String()  # the text that broke the rule, shortened
