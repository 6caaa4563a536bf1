"""Attempt: one of several answers that a solver gave to a problem, judged if the correct answer is known."""

import dataframely as dy


class Attempt(dy.Schema):
    problem_id = dy.String(primary_key=True)
    draw = dy.Int64(primary_key=True, min=0)  # number of the sample, from 0
    solver = dy.String(min_length=1)  # its name in the parameters
    text = dy.String()  # the answer, without thoughts that the server returns separately
    reasoning = dy.String()  # its thoughts; empty if the server does not show them or they are in the text
    finish_reason = dy.String(min_length=1)  # `stop`, `length`, or another word of the server
    answer = dy.String(nullable=True)  # by strict extraction; null where there is none
    right = dy.Bool(nullable=True)  # equal to the problem's answer; null if the problem has none
    same_as = dy.Int64(min=0, nullable=True)  # the first draw with an equal answer; null without one
    prompt_tokens = dy.Int64(min=0)
    completion_tokens = dy.Int64(min=0)  # including those of thoughts
    reasoning_tokens = dy.Int64(min=0)
