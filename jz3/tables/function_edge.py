"""FunctionEdge: two functions of a library that stand together (RV-Syn)."""

import dataframely as dy

EDGE_KINDS = ("co_occurrence", "topic")
"""Both in one seed problem; both of one topic."""


class FunctionEdge(dy.Schema):
    one = dy.String(primary_key=True)  # function_id
    other = dy.String(primary_key=True)  # function_id
    kind = dy.Enum(EDGE_KINDS, primary_key=True)
    count = dy.Int64(min=1)  # seed problems; 1 for a topic
