"""ExecutionResult: what the program of a tool problem did."""

import dataframely as dy


class ExecutionResult(dy.Schema):
    problem_id = dy.String(primary_key=True)
    status = dy.String(min_length=1)  # of the sandbox: ok, error, timeout ...
    output = dy.String()  # what it printed, cut at the limit
    error = dy.String(nullable=True)  # last line of the traceback
