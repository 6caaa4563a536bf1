"""Probe: what a base model makes of the beginning of a benchmark question."""

import dataframely as dy


class Probe(dy.Schema):
    item_id = dy.String(primary_key=True)
    benchmark = dy.String(min_length=1)
    shown = dy.String(min_length=1)  # the beginning of the question, which the base read
    rest = dy.String(min_length=1)  # what follows in the question, without the white space between
    text = dy.String()  # what the base wrote
    finish_reason = dy.String(min_length=1)  # `stop`, `length`, or what else a server says
    completed = dy.Bool()  # the text begins with the rest, white space apart
    words = dy.Float64(min=0, max=1)  # share of the rest's words that the text begins with
    prompt_tokens = dy.Int64(min=0)
    completion_tokens = dy.Int64(min=0)
