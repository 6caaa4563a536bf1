"""Sketch: the direction of a problem's gradient at a checkpoint, in few numbers."""

from typing import Literal

import dataframely as dy
from pydantic import BaseModel


class Sketch(dy.Schema):
    checkpoint = dy.String(primary_key=True)  # its directory in the reference model
    problem_id = dy.String(primary_key=True)
    halves = dy.Binary()  # float16, little-endian: a rolled CountSketch of the direction, which has length 1
    loss = dy.Float64(min=0)  # mean over the solution tokens, in nats
    solution_tokens = dy.Int64(min=1)


class SketchFacts(BaseModel):
    """The notes of a table of sketches: what targets must match to be compared with them."""

    size: int
    seed: int
    direction: Literal["adam", "adam_epsilon_inside", "plain"]
    precision: Literal["bf16", "fp32"]
    max_tokens: int
    checkpoints: str
    """Digest of the checkpoints at which the directions were taken."""
