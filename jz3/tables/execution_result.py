"""ExecutionResult: what the programs of a tool problem did."""

import dataframely as dy


class ExecutionResult(dy.Schema):
    problem_id = dy.String(primary_key=True)
    status = dy.String(min_length=1)  # of the sandbox: ok, error, timeout ...; the first that is not ok
    outputs = dy.List(dy.String())  # what each program printed, in order, up to the one that failed
    output = dy.String()  # what the last of these printed, cut at the limit
    answer_counts = dy.Bool()  # what it printed is the answer, and not what the box of the solution says
    error = dy.String(nullable=True)  # last line of the traceback
