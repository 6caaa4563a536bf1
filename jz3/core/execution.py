"""How a stage runs, as opposed to what it makes: execution.yaml, beside params.yaml.

No stage watches this file, so a change here reruns nothing; it must not change the meaning of a finished
stage. If it can change the text itself (batched floating point), the stage's manifest records the execution.
"""

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from jz3.core.params import load_document

EXECUTION_FILE = Path("execution.yaml")


class Price(BaseModel):
    """USD per million tokens of one model, as the provider listed them on a given day."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    as_of: date
    """The day on which the prices were looked up."""
    input: float = Field(ge=0)
    cached_input: float = Field(ge=0)
    """For prompt tokens that the provider found in its prefix cache."""
    output: float = Field(ge=0)
    batch_discount: float = Field(ge=0, le=1)
    """Share by which a batch file lowers every price; 0 for none."""


class BatchFiles(BaseModel):
    """Limits of a provider's batch files."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    requests: int = Field(ge=1)
    """The most requests in a file."""
    megabytes: float = Field(gt=0)
    """The largest size of a file, in 10^6 bytes."""
    enqueued_tokens: int = Field(ge=1)
    """The most prompt tokens that may wait at the provider at once, over all files."""
    poll_s: float = Field(gt=0)
    """Seconds between two polls of a file's state."""


class LossLimits(BaseModel):
    """Limits on the share of its rows that a stage may lose."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    warn: float = Field(ge=0, le=1)
    """The stage warns above this share."""
    stop: float = Field(ge=0, le=1)
    """The stage stops above this share and leaves nothing."""

    @model_validator(mode="after")
    def _ordered(self) -> "LossLimits":
        if self.warn > self.stop:
            raise ValueError(f"warn {self.warn} is above stop {self.stop}")
        return self


class Losses(BaseModel):
    """How many rows a stage may lose, by rejection or failure, before it warns and before it stops."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    usual: LossLimits
    """Limits for stages that are not named."""
    stages: dict[str, LossLimits]
    """Limits by stage, such as `filter`, whose losses are of another kind."""
    chosen: list[str]
    """Patterns of rules by which a stage chooses among good rows, which are no loss."""

    def of(self, stage: str) -> LossLimits:
        return self.stages.get(stage, self.usual)


class Planning(BaseModel):
    """What `jz3 plan` assumes if neither a file nor a stored answer nor another parameter tells."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    corpus_prompts: int = Field(ge=0)
    """Prompts of the corpus, if a quota is open."""
    instruction_rows: int = Field(ge=0)
    characters_per_token: float = Field(gt=0)
    problem_tokens: int = Field(ge=1)
    """Tokens of a problem with its solution, which a teacher or a synthesis model writes for one prompt."""
    generated_tokens_per_second: float = Field(gt=0)
    """Tokens that one device writes, not counting prompts."""
    trained_tokens_per_second: float = Field(gt=0)
    """Tokens that one device reads in training."""
    card_gib: float | None = Field(gt=0)
    """GiB that programs may use on the profile's GPU; null if the profile is for CPUs."""
    stage_seconds: dict[str, Annotated[float, Field(ge=0)]]
    """Seconds that stages took when the profile was measured, by name (`finetune@initial`, or `finetune` for
    each); `usual` is for those not named. A run estimates its duration from these until the stage has run in
    the same clone.
    """


TrainingStage = Literal["finetune", "pretrain", "warmup"]


class Execution(BaseModel):
    """What execution.yaml holds."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    device: Literal["cpu", "cuda"]
    """Where models run."""
    threads: int = Field(ge=1)
    """Threads of one process. With threads x processes above the number of cores everything is many times
    slower.
    """
    workers: Annotated[int, Field(ge=1)] | Literal["auto"]
    """How many workers share the missing rows of a stage. With engine `vllm` they are servers that the stage
    runs, each with `worker_gpus` GPUs. Otherwise a single worker runs in the stage's own process, and several
    are Ray actors, each with `threads` cores and `worker_gpus` GPUs. `auto`: as many as the visible GPUs
    allow, but at least one.
    """
    worker_gpus: int = Field(ge=0)
    """GPUs of one worker; above 1, vLLM splits the model over them (tensor parallel)."""
    vllm_python: str
    """Python of the environment that has vLLM (`make gpu`), for engine `vllm`."""
    servers: list[str]
    """Addresses for engine `openai`, such as http://10.0.0.7:8000/v1; each serves the model under its digest.
    """
    server_concurrency: int = Field(ge=1)
    """Requests in flight at each server of the engines `vllm` and `openai`; the teacher has `concurrency`."""
    server_timeout_s: float = Field(gt=0)
    """Seconds that one request to such a server may take, including its wait in the server's queue."""
    ray_address: str | None
    """Address of a running Ray cluster, such as `auto` or `10.0.0.1:6379`; null: start Ray on this machine.
    """
    vllm_memory: float = Field(gt=0, le=1)
    """Share of the device's memory (on a CPU, of the machine's) that a worker's vLLM takes."""
    vllm_speculation: Literal["ngram", "suffix"] | None
    """What guesses the next tokens, which vLLM then checks several at a time: `ngram` the row's own text,
    `suffix` also the texts of finished rows; null: nothing. A row's text is another draw from the same
    distribution."""
    ranks: int = Field(ge=1)
    """Processes of a training, over all machines."""
    sharding: Literal["none", "fsdp", "zero1", "zero2", "zero3"]
    """What the ranks of a training divide among themselves: `none` nothing, each has the whole model; `fsdp`
    weights, gradients and the optimizer's state, by FSDP2 of torch; with DeepSpeed `zero1` the optimizer's
    state, `zero2` also gradients, `zero3` also weights. An adapter of `warmup` is never divided."""
    launcher: Literal["local", "torchrun", "srun"]
    """What starts the ranks: `local` the stage, on its own machine; `torchrun` also `jz3 join` on each other
    machine; `srun` Slurm, in whose allocation the stage runs. Machines meet by torchrun's c10d rendezvous."""
    nodes: int = Field(ge=1)
    """Machines of a training, including the stage's own; each has `ranks` / `nodes` of the ranks."""
    rendezvous_host: str | None
    """Name or address under which the others reach the stage's machine; null: its host name."""
    gradient_checkpointing: bool | dict[TrainingStage, Annotated[int, Field(ge=1)]]
    """Recompute activations in the backward pass: a third more time, far less memory. A mapping names the
    stages whose trainings do so, each with 1 for all layers, 2 for every second one, and so on; `jz3 plan`
    says which of them have room for less."""
    fused_kernels: bool
    """Whether trainings compute norms, rotary embeddings, SwiGLU and the loss by kernels of liger-kernel and
    of torch.compile in place of many small operations; for GPUs."""
    checkpoint_steps: int = Field(ge=1)
    """The most steps of a training between two checkpoints to resume from."""
    checkpoint_share: float = Field(gt=0, le=1)
    """The largest share of a training's steps between two checkpoints to resume from."""
    checkpoint_minutes: float = Field(gt=0)
    """Minutes after a checkpoint at which the next step leaves one, whatever the other two say."""
    checkpoints_kept: int = Field(ge=1)
    """How many of the latest checkpoints are kept while a training runs."""
    trackers: list[Literal["dvclive", "trackio", "wandb"]]
    """What records loss, rate, norm, speed, fill and memory of trainings as they run: DVCLive in `data/live`,
    Trackio or Weights & Biases in a project `jz3`. All but the first are extras of that name."""
    generation_batch: int = Field(ge=1)
    """Sequences generated together."""
    generation_commit: int = Field(ge=1)
    """Rows that are committed together to the row store; a kill loses at most this many. Rows that come as a
    stream (engines `vllm` and `openai`) are committed after a minute, or once there are this many."""
    training_batch: int = Field(ge=1)
    """Blocks that go through the model together; a step accumulates the rest of its blocks."""
    teacher: Literal["call", "batch", "replay"]
    """`call` sends requests one by one; `batch` sends them in the provider's batch files (slower, usually at
    half the price); `replay` answers only from the row store, without key or network."""
    concurrency: int = Field(ge=1)
    """The most requests to the teacher in flight at once."""
    requests_per_minute: int = Field(ge=1)
    tokens_per_minute: int = Field(ge=1)
    timeout_s: float = Field(gt=0)
    """Seconds that one request may take."""
    retries: int = Field(ge=0)
    """Further attempts after errors that may pass (429, 5xx, lost connections)."""
    unanswered_share: float = Field(ge=0, le=1)
    """Share of a set's requests that may end as failures although a later run may answer them (5xx, lost
    connections ...); above it the stage stops, and the next run asks for them."""
    batch_files: BatchFiles
    budget_usd: float | None = Field(ge=0)
    """A hard cap on the cost of a set of prompts, for all processes that share the store; null for none."""
    prices: dict[str, Price]
    """Prices by model name; a model without one costs nothing and is reported as unpriced."""
    losses: Losses
    planning: Planning
    sandbox: int = Field(ge=1, le=3)
    """The least sandbox level for programs of models: 3 namespaces, 2 Landlock and seccomp, 1 seccomp."""
    sandbox_workers: int = Field(ge=1)

    def recomputed(self, stage: str) -> int:
        """n, if trainings of a stage recompute the activations of every n-th layer; 0 for none."""
        named = self.gradient_checkpointing
        if isinstance(named, bool):
            return int(named)
        return next((every for name, every in named.items() if name == stage), 0)

    @model_validator(mode="before")
    @classmethod
    def _zero_is_sharding(cls, values: Any) -> Any:  # noqa: ANN401 (as YAML gives it)
        if isinstance(values, dict) and "zero" in values:
            zero: Any = values["zero"]  # pyright: ignore[reportUnknownVariableType]
            raise ValueError(f"`zero: {zero}` is now `sharding: zero{zero}`; write that in its place")
        return values  # pyright: ignore[reportUnknownVariableType]

    @field_validator("gradient_checkpointing", mode="before")
    @classmethod
    def _list_is_mapping(cls, value: Any) -> Any:  # noqa: ANN401 (as YAML gives it)
        if isinstance(value, list):
            stages: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
            named = ", ".join(f"{stage}: 1" for stage in stages)
            raise ValueError(  # noqa: TRY004 (what pydantic reports)
                f"a list of stages is now a mapping, `{{{named}}}`; write that in its place"
            )
        return value  # pyright: ignore[reportUnknownVariableType]

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
