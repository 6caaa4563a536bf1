"""Probe: how a base model continues the beginning of a benchmark question."""

import dataframely as dy


class Probe(dy.Schema):
    item_id = dy.String(primary_key=True)
    benchmark = dy.String(min_length=1)
    shown = dy.String(min_length=1)  # the beginning of the question, which the base model read
    rest = dy.String(min_length=1)  # what follows in the question, without the white space in between
    text = dy.String()  # what the base model wrote
    finish_reason = dy.String(min_length=1)  # `stop`, `length`, or another word of the server
    completed = dy.Bool()  # whether the text begins with the rest, ignoring white space
    words = dy.Float64(min=0, max=1)  # share of the rest's words with which the text begins
    prompt_tokens = dy.Int64(min=0)
    completion_tokens = dy.Int64(min=0)
