"""PassRate: how often a solver finds a problem's answer, and which answer it gives most often."""

import dataframely as dy


class PassRate(dy.Schema):
    problem_id = dy.String(primary_key=True)
    solver = dy.String(primary_key=True)  # its name in the parameters of `solve`
    draws = dy.Int64(min=0)  # answers that came, usable or not
    right = dy.Int64(min=0, nullable=True)  # of the draws; null where the problem has no answer
    rate = dy.Float64(min=0, max=1, nullable=True)  # right / draws; null without an answer or without draws
    voted = dy.String(nullable=True)  # the answer of most draws, as its first one writes it; null without one
    votes = dy.Int64(min=0)  # draws that give this answer
    share = dy.Float64(min=0, max=1, nullable=True)  # votes / draws
    voted_right = dy.Bool(nullable=True)  # null where the problem has no answer
