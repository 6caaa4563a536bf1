"""Overlap: how many synthetic questions of an arm another arm has, too."""

import dataframely as dy


class Overlap(dy.Schema):
    set = dy.String(primary_key=True)
    against = dy.String(primary_key=True)
    questions = dy.Int64(min=0)  # different questions of `set`
    shared = dy.Int64(min=0)  # those of them that `against` has, too
