"""Quota: how many right solutions of a problem a balance wants, and how many it has so far."""

import dataframely as dy


class Quota(dy.Schema):
    problem_id = dy.String(primary_key=True)
    target = dy.Int64(min=0)  # solutions that are kept
    usable = dy.Int64(min=0)  # solutions so far that may be kept
    draws = dy.Int64(min=0)  # answers asked for so far: the next draw has this number
