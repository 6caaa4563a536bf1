"""Records of memory that is counted before a run, and what it is counted for (by `jz3.graph.step_memory`)."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel


class ModelSize(BaseModel):
    """The numbers of a model's weights that decide its memory."""

    parameters: int


class StepMemory(BaseModel):
    """Bytes of a training in one process that trains alone."""

    weights: int
    gradients: int
    optimizer: int
    activations: int
    """The most that is alive in addition to the others, including casts of weights and logits."""
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


class HeldOutMemory(BaseModel):
    """Bytes of a pass of the held-out loss."""

    weights: int
    activations: int


@dataclass(frozen=True)
class Piece:
    """The input of one pass of a training through a model."""

    blocks: int
    block_length: int
    recomputed: int
    """Every n-th layer computes its activations again; 0 for none."""
    bf16_weights: bool
    """Whether the model computes with bfloat16 weights; otherwise with float32 under autocast."""
    device: Literal["cpu", "cuda"] = "cuda"
    """Whose kernels are counted."""

    @property
    def tokens(self) -> int:
        return self.blocks * self.block_length


@dataclass(frozen=True)
class Gradients:
    """The input of one pass of `attribute` through a model."""

    rows: int
    tokens: int
    """Tokens of a row."""
    tasks: int
    direction: str
    precision: Literal["bf16", "fp32"]
