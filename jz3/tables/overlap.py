"""Overlap: synthetic questions of an arm that another arm has, too."""

import dataframely as dy


class Overlap(dy.Schema):
    set = dy.String(primary_key=True)
    against = dy.String(primary_key=True)
    questions = dy.Int64(min=0)  # different ones of `set`
    shared = dy.Int64(min=0)  # of these, those of `against`, too
