"""Thought: a model's thought before the solution of a problem; problems without one have no row."""

import dataframely as dy


class Thought(dy.Schema):
    problem_id = dy.String(primary_key=True)
    thought = dy.String(min_length=1)  # without the marks around it
