"""ExecutionResult: the outcome of running the programs of a tool problem."""

import dataframely as dy


class ExecutionResult(dy.Schema):
    problem_id = dy.String(primary_key=True)
    status = dy.String(min_length=1)  # the sandbox's: ok, error, timeout ...; the first that is not ok
    outputs = dy.List(dy.String())  # what each program printed, in order, up to the one that failed
    output = dy.String()  # what the last of these printed, cut at the limit
    answer_counts = dy.Bool()  # the printed output is the answer, not what the box of the solution says
    error = dy.String(nullable=True)  # last line of the traceback
