"""Quota: how many right answers to a problem a balance wants, and how many it has so far."""

import dataframely as dy


class Quota(dy.Schema):
    problem_id = dy.String(primary_key=True)
    target = dy.Int64(min=0)  # right answers that are kept
    right = dy.Int64(min=0)  # right answers so far
    draws = dy.Int64(min=0)  # answers asked for so far: the next draw has this number
