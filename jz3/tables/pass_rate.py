"""PassRate: how often a solver finds a problem's answer, and which answer it gives most often."""

import dataframely as dy


class PassRate(dy.Schema):
    problem_id = dy.String(primary_key=True)
    solver = dy.String(primary_key=True)  # its name in the parameters of `solve`
    draws = dy.Int64(min=0)  # answers received, usable or not
    right = dy.Int64(min=0, nullable=True)  # right draws; null if the problem has no answer
    rate = dy.Float64(min=0, max=1, nullable=True)  # right / draws; null without an answer or without draws
    voted = dy.String(nullable=True)  # the most frequent answer, as first written; null without one
    votes = dy.Int64(min=0)  # draws that give this answer
    share = dy.Float64(min=0, max=1, nullable=True)  # votes / draws
    voted_right = dy.Bool(nullable=True)  # null if the problem has no answer
