"""What is counted of memory before a run, and of what (`jz3.graph.step_memory` counts)."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel


class ModelSize(BaseModel):
    """Of a model."""

    parameters: int


class StepMemory(BaseModel):
    """Bytes of a training in one process that trains alone."""

    weights: int
    gradients: int
    optimizer: int
    activations: int
    """The most that is alive beside the others, casts of weights and logits among it."""
    parameters: int
    """Number of weights."""
    largest_layer: int
    """Number of its weights."""
    outside_layers: int
    """Number of weights in embeddings, head and last norm."""


class PassMemory(BaseModel):
    """Bytes of a pass of `attribute`."""

    weights: int
    moments: int
    targets: int
    """The tasks' gradients."""
    activations: int


@dataclass(frozen=True)
class Piece:
    """What goes through a model at once in a training."""

    blocks: int
    block_length: int
    checkpointing: bool
    bf16_weights: bool
    """Whether the model computes on weights in bfloat16; else on float32, under autocast."""

    @property
    def tokens(self) -> int:
        return self.blocks * self.block_length


@dataclass(frozen=True)
class Gradients:
    """What goes through a model at once in `attribute`."""

    rows: int
    tokens: int
    """Of a row."""
    tasks: int
    direction: str
    precision: Literal["bf16", "fp32"]
