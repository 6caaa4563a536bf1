"""Quota: how many right solutions of a problem are to be kept, and how many there are so far."""

import dataframely as dy


class Quota(dy.Schema):
    problem_id = dy.String(primary_key=True)
    target = dy.Int64(min=0)  # solutions to keep
    usable = dy.Int64(min=0)  # solutions so far that could be kept
    draws = dy.Int64(min=0)  # answers asked for so far; also the number of the next draw
