"""TeacherAnswer: an answer of a teacher to a prompt, kept or not: who wrote it, and what it thought."""

import dataframely as dy


class TeacherAnswer(dy.Schema):
    request_id = dy.String(primary_key=True)  # key of the request in the row store; `problem_id` where kept
    prompt_id = dy.String(min_length=1)
    teacher = dy.String(min_length=1)  # its name in the parameters
    provider = dy.String(min_length=1)
    model = dy.String(min_length=1)
    finish_reason = dy.String()
    reasoning = dy.String()  # what it thought before, or among, its text; empty where that is not shown
    reasoning_tokens = dy.Int64(min=0)  # of the completion tokens, those of thoughts, shown or not
    prompt_tokens = dy.Int64(min=0)
    completion_tokens = dy.Int64(min=0)
    cost_usd = dy.Float64(min=0, nullable=True)  # at the prices of `execution`; null where the model has none
    kept = dy.Bool()  # whether a problem was read from it
