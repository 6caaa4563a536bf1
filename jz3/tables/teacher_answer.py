"""TeacherAnswer: a teacher's answer to a prompt, kept or not, with the teacher's name and thoughts."""

import dataframely as dy


class TeacherAnswer(dy.Schema):
    request_id = dy.String(primary_key=True)  # key of the request in the row store; `problem_id` if kept
    prompt_id = dy.String(min_length=1)
    teacher = dy.String(min_length=1)  # its name in the parameters
    provider = dy.String(min_length=1)
    model = dy.String(min_length=1)
    finish_reason = dy.String()
    reasoning = dy.String()  # its thoughts before or within the text; empty if the server does not show them
    reasoning_tokens = dy.Int64(min=0)  # the part of the completion tokens that are thoughts, shown or not
    prompt_tokens = dy.Int64(min=0)
    completion_tokens = dy.Int64(min=0)
    cost_usd = dy.Float64(min=0, nullable=True)  # at the prices of `execution`; null if the model has none
    kept = dy.Bool()  # whether a problem was read from it
