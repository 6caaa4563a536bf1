"""ExecutionResult: what the program of a tool problem did."""

import dataframely as dy


class ExecutionResult(dy.Schema):
    problem_id = dy.String(primary_key=True)
    status = dy.String(min_length=1)  # of the sandbox: ok, error, timeout ...
    output = dy.String()  # what it printed, cut at the limit
    answer_counts = dy.Bool()  # what it printed is the answer, and not what the box of the solution says
    error = dy.String(nullable=True)  # last line of the traceback
