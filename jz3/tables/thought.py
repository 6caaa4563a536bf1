"""Thought: what a model thought before it wrote the solution of a problem; those without one have no row."""

import dataframely as dy


class Thought(dy.Schema):
    problem_id = dy.String(primary_key=True)
    thought = dy.String(min_length=1)  # without marks
