"""Target: an item of a target task; its gradients determine the values of problems."""

import dataframely as dy

from jz3.tables.words import KINDS


class Target(dy.Schema):
    target_id = dy.String(primary_key=True)
    task = dy.String(min_length=1)
    kind = dy.Enum(KINDS)
    subject = dy.String(nullable=True)
    question = dy.String(min_length=1)
    solution = dy.String(min_length=1)
