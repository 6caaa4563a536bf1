"""Settings of a sandbox: how many workers, how strong, and the limits of each program."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Level = Literal[1, 2, 3]


class Limits(BaseModel):
    """Limits of one program. A result depends on them, so they are part of a stored result's key.

    docs/sandbox.md says what a program can use at worst, including tables and buffers of the kernel.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    wall_seconds: float = Field(gt=0)
    """Wall time until the program is killed; 5 in the reference."""
    cpu_seconds: int = Field(ge=1)
    """CPU time of all threads until the program is killed."""
    memory_mb: int = Field(ge=64)
    """Address space in addition to what the warm interpreter already has."""
    output_characters: int = Field(ge=1)
    """Characters of standard output; a program that prints more is stopped with status `output-limit`."""


class SandboxSettings(BaseModel):
    """How programs are run."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    workers: int = Field(ge=1)
    """Warm interpreters, one program at a time in each; results do not depend on the number."""
    required_level: Level
    """3: namespaces and seccomp; 2: at least Landlock and seccomp; 1: only seccomp and resource limits, which
    leaves the machine's files readable: whoever asks for 1 accepts that.
    """
    limits: Limits
