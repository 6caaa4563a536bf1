"""FunctionEdge: two related functions of a library (RV-Syn)."""

import dataframely as dy

EDGE_KINDS = ("co_occurrence", "topic")
"""How they are related: both occur in one seed problem; both have one topic."""


class FunctionEdge(dy.Schema):
    one = dy.String(primary_key=True)  # function_id
    other = dy.String(primary_key=True)  # function_id
    kind = dy.Enum(EDGE_KINDS, primary_key=True)
    count = dy.Int64(min=1)  # seed problems with both; 1 for a topic
