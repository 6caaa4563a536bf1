"""How a stage runs, as against what it makes: execution.yaml, beside params.yaml.

No stage watches this file, so a change here runs nothing again; it must not change what a finished stage
means. Where the text itself can differ by it (batched floating point), the stage's manifest says which
execution made it.
"""

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from jz3.core.params import load_document

EXECUTION_FILE = Path("execution.yaml")


class Price(BaseModel):
    """USD for a million tokens of one model, as a provider listed them on a day."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    as_of: date
    """The day on which the prices were read."""
    input: float = Field(ge=0)
    cached_input: float = Field(ge=0)
    """Prompt tokens that the provider found in its cache of prefixes."""
    output: float = Field(ge=0)
    batch_discount: float = Field(ge=0, le=1)
    """Share that a batch file takes off every price; 0 for none."""


class BatchFiles(BaseModel):
    """Limits of a provider's batch files."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    requests: int = Field(ge=1)
    """Most requests of a file."""
    megabytes: float = Field(gt=0)
    """Largest file, in 10^6 bytes."""
    enqueued_tokens: int = Field(ge=1)
    """Most prompt tokens that may wait at the provider at once, over all files."""
    poll_s: float = Field(gt=0)
    """Seconds between two questions whether a file is done."""


class LossLimits(BaseModel):
    """Shares of the rows that a stage reads."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    warn: float = Field(ge=0, le=1)
    """Above it the stage warns."""
    stop: float = Field(ge=0, le=1)
    """Above it the stage stops, and leaves nothing."""

    @model_validator(mode="after")
    def _ordered(self) -> "LossLimits":
        if self.warn > self.stop:
            raise ValueError(f"warn {self.warn} is above stop {self.stop}")
        return self


class Losses(BaseModel):
    """How many rows a stage may reject or fail before it says so, and before it stops."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    usual: LossLimits
    """Of stages that are not named."""
    stages: dict[str, LossLimits]
    """By stage, such as `filter`, where it is of another nature."""
    chosen: list[str]
    """Patterns of rules by which a stage chooses among good rows: no loss."""

    def of(self, stage: str) -> LossLimits:
        return self.stages.get(stage, self.usual)


class Planning(BaseModel):
    """What `jz3 plan` takes where neither a file nor a stored answer nor another parameter says it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    corpus_prompts: int = Field(ge=0)
    """Prompts of the corpus, where a quota is open."""
    instruction_rows: int = Field(ge=0)
    characters_per_token: float = Field(gt=0)
    problem_tokens: int = Field(ge=1)
    """Of a problem with its solution: what a teacher or a synthesis model writes for one prompt."""
    generated_tokens_per_second: float = Field(gt=0)
    """Of one device, prompts not counted."""
    trained_tokens_per_second: float = Field(gt=0)
    """Of one device."""
    card_gib: float | None = Field(gt=0)
    """GiB that programs may use of the GPU that the profile is for; null where it is for none."""
    stage_seconds: dict[str, Annotated[float, Field(ge=0)]]
    """What stages took where the profile was run, by name (`finetune@initial`, or `finetune` for each);
    `usual` for those not named. A run says by it how long it will take, until a stage ran in the same clone.
    """


class Execution(BaseModel):
    """What execution.yaml holds."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    device: Literal["cpu", "cuda"]
    """Where models run."""
    threads: int = Field(ge=1)
    """Threads of one process. Threads x processes above the number of cores slows everything many times."""
    workers: Annotated[int, Field(ge=1)] | Literal["auto"]
    """Those that share the missing rows of a stage. With engine `vllm`: servers that the stage owns, each
    with `worker_gpus` GPUs. Else processes: one works in the stage's own, more are actors of Ray, each with
    `threads` cores and `worker_gpus` GPUs. `auto`: as many as the visible GPUs are enough for, at least one.
    """
    worker_gpus: int = Field(ge=0)
    """GPUs of one worker; above 1, vLLM splits the model over them (tensor parallel)."""
    vllm_python: str
    """Python of the environment that has vLLM (`make gpu`), for engine `vllm`."""
    servers: list[str]
    """Addresses for engine `openai`, such as http://10.0.0.7:8000/v1; each has the model under its digest."""
    server_concurrency: int = Field(ge=1)
    """Requests in flight at each server of the engines `vllm` and `openai`; the teacher has `concurrency`."""
    server_timeout_s: float = Field(gt=0)
    """Seconds that one request to such a server may take, its wait in the server's queue among them."""
    ray_address: str | None
    """Of a running Ray cluster, such as `auto` or `10.0.0.1:6379`; null: Ray is started on this machine."""
    vllm_memory: float = Field(gt=0, le=1)
    """Share of the device's memory (on a CPU: of the machine's) that a worker's vLLM takes."""
    ranks: int = Field(ge=1)
    """Processes of a training, on all machines together."""
    sharding: Literal["none", "fsdp", "zero1", "zero2", "zero3"]
    """What the ranks of a training share out: `none` nothing, each has the whole model; `fsdp` weights,
    gradients and the optimizer's state, by FSDP2 of torch; under DeepSpeed `zero1` the optimizer's state,
    `zero2` gradients too, `zero3` weights too. An adapter of `warmup` is never shared out."""
    launcher: Literal["local", "torchrun", "srun"]
    """Who starts the ranks: the stage on its own machine; `jz3 join` on each other machine; or Slurm, in
    whose allocation the stage runs. Machines meet by torchrun's c10d rendezvous."""
    nodes: int = Field(ge=1)
    """Machines of a training, the stage's own among them; each has `ranks` / `nodes` of the ranks."""
    rendezvous_host: str | None
    """Name or address at which the others reach the stage's machine; null: its host name."""
    gradient_checkpointing: bool
    """Compute activations anew in the backward pass: a third more time, far less memory."""
    checkpoint_steps: int = Field(ge=1)
    """Most steps of a training between two checkpoints to resume from."""
    checkpoint_share: float = Field(gt=0, le=1)
    """Most of a training, as a share of its steps, between two checkpoints to resume from."""
    checkpoints_kept: int = Field(ge=1)
    """Latest checkpoints that stay while a training runs."""
    trackers: list[Literal["dvclive", "trackio", "wandb"]]
    """Who notes loss, rate, norm, speed, fill and memory of trainings as they run: DVCLive in `data/live`,
    Trackio or Weights & Biases in a project `jz3`. Each but the first is an extra of that name."""
    generation_batch: int = Field(ge=1)
    """Sequences generated together."""
    generation_commit: int = Field(ge=1)
    """Rows of a batch that is committed whole to the row store; a kill loses at most this many. Rows that
    come as a stream (engines `vllm` and `openai`) are committed after a minute, or earlier after so many."""
    training_batch: int = Field(ge=1)
    """Blocks that go through the model together; the rest of a step's blocks are accumulated."""
    teacher: Literal["call", "batch", "replay"]
    """`call` sends requests one by one, `batch` in the provider's batch files (slower, usually at half the
    price); `replay` answers from the row store alone: no key, no network."""
    concurrency: int = Field(ge=1)
    """Requests to the teacher in flight at once."""
    requests_per_minute: int = Field(ge=1)
    tokens_per_minute: int = Field(ge=1)
    timeout_s: float = Field(gt=0)
    """Seconds that one request may take."""
    retries: int = Field(ge=0)
    """Attempts after the first, for answers that may be better the next time (429, 5xx, lost connections)."""
    unanswered_share: float = Field(ge=0, le=1)
    """Share of a set's requests that may end as failures although another day may answer them (5xx, lost
    connections ...); above it the stage stops, and the next run asks for them."""
    batch_files: BatchFiles
    budget_usd: float | None = Field(ge=0)
    """A hard cap on what a set of prompts costs, by all processes that share the store; null for none."""
    prices: dict[str, Price]
    """By model name; a model without a price costs nothing and is reported as unpriced."""
    losses: Losses
    planning: Planning
    sandbox: int = Field(ge=1, le=3)
    """Least strength that programs of models are run at: 3 namespaces, 2 Landlock and seccomp, 1 seccomp."""
    sandbox_workers: int = Field(ge=1)

    @model_validator(mode="before")
    @classmethod
    def _zero_is_sharding(cls, values: Any) -> Any:  # noqa: ANN401 (as YAML gives it)
        if isinstance(values, dict) and "zero" in values:
            zero: Any = values["zero"]  # pyright: ignore[reportUnknownVariableType]
            raise ValueError(f"`zero: {zero}` is now `sharding: zero{zero}`; write that in its place")
        return values  # pyright: ignore[reportUnknownVariableType]

    @model_validator(mode="after")
    def _ranks_fit_machines(self) -> "Execution":
        if self.ranks % self.nodes:
            raise ValueError(f"{self.ranks} ranks are not as many on each of {self.nodes} nodes")
        if self.launcher == "local" and self.nodes > 1:
            raise ValueError(f"launcher local starts ranks on one machine; nodes is {self.nodes}")
        return self


def load_execution(file: Path = EXECUTION_FILE) -> Execution:
    """How stages run under the profile in use, or under the one whose file it is. Raises ParamsError."""
    return load_document(Execution, file)
