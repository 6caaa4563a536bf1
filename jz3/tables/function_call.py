"""FunctionCall: a node of the computational graph behind a problem (RV-Syn)."""

import dataframely as dy


class FunctionCall(dy.Schema):
    graph_id = dy.String(primary_key=True)  # `variant` in the lineage of its problem
    node = dy.Int64(primary_key=True, min=0)  # in the order of computation; the last one is the result
    function_id = dy.String(min_length=1)
    arguments = dy.List(dy.String(), min_length=1)  # `7`, or `n0` for the value of node 0
    value = dy.String(min_length=1)  # as the program printed it
    strategy = dy.String(min_length=1)  # how the functions of the whole graph were drawn
