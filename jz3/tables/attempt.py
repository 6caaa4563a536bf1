"""Attempt: what a solver answered to a problem: one draw of several, judged where the answer is known."""

import dataframely as dy


class Attempt(dy.Schema):
    problem_id = dy.String(primary_key=True)
    draw = dy.Int64(primary_key=True, min=0)  # number of the sample, from 0
    solver = dy.String(min_length=1)  # its name in the parameters
    text = dy.String()  # the answer, without thoughts that the server gives apart
    reasoning = dy.String()  # what it thought before; empty where that is not shown, or stands in the text
    finish_reason = dy.String(min_length=1)  # `stop`, `length`, or what else a server says
    answer = dy.String(nullable=True)  # by strict extraction; null where there is none
    right = dy.Bool(nullable=True)  # equal to the problem's answer; null where the problem has none
    same_as = dy.Int64(min=0, nullable=True)  # the first draw whose answer is equal; null without one
    prompt_tokens = dy.Int64(min=0)
    completion_tokens = dy.Int64(min=0)  # those of thoughts among them
    reasoning_tokens = dy.Int64(min=0)
