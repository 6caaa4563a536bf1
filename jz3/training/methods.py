"""How weights are trained: all of them, or an adapter that is merged into plain weights at the end.

- LoRA: W + alpha / rank B A.
- PiSSA: LoRA that starts from the principal singular directions of W, which a random SVD computes; therefore
  the merged weights are saved, never the adapter alone.
- Bone: the first, block-affine form (W' = W (I + B) + B by blocks of rank x rank; `bat` in peft's MiSS).
- MiSS: one matrix shared by all shards of the input; the final form of Bone's authors.

Costs a pass over W at the start and at the end.
"""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from jz3.core.errors import UserError
from jz3.core.params import Params
from jz3.lm.lora import LoraParams, lora_config

if TYPE_CHECKING:
    from peft import PeftConfig
    from transformers import PreTrainedModel


class Full(Params):
    """All weights."""

    kind: Literal["full"]


class Lora(LoraParams):
    """Low-rank adaptation of each target: W + alpha / rank B A, with B zero at the start."""

    kind: Literal["lora"]


class Pissa(Params):
    """LoRA with alpha = rank, started from the `rank` principal singular directions of W."""

    kind: Literal["pissa"]
    rank: int = Field(gt=0)
    iterations: int = Field(gt=0)
    """Iterations of the random SVD; more are more exact (the authors use 4 or 16)."""
    targets: list[str] = Field(min_length=1)


class Bone(Params):
    """Block-affine; `rank` must divide both sides of each target."""

    kind: Literal["bone"]
    rank: int = Field(gt=0)
    targets: list[str] = Field(min_length=1)


class Miss(Params):
    """One matrix of rank x outputs for each target, shared by all shards of its input."""

    kind: Literal["miss"]
    rank: int = Field(gt=0)
    targets: list[str] = Field(min_length=1)


Method = Annotated[Full | Lora | Pissa | Bone | Miss, Field(discriminator="kind")]


def adapted(model: "PreTrainedModel", method: Method, seed: int) -> "PreTrainedModel":
    """The model as the method trains it: itself, or with a new adapter drawn by the seed.

    Raises UserError if targets or rank do not fit the model.
    """
    if isinstance(method, Full):
        return model
    import torch
    from peft import get_peft_model

    _check(model, method)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return get_peft_model(model, _config(method))  # pyright: ignore[reportReturnType] (used as what it wraps)


def merged(model: "PreTrainedModel", method: Method) -> "PreTrainedModel":
    """A model with plain weights that computes the same as the trained model."""
    if isinstance(method, Full):
        return model
    return model.merge_and_unload()  # pyright: ignore[reportCallIssue]


def _config(method: Lora | Pissa | Bone | Miss) -> "PeftConfig":
    from peft import LoraConfig, MissConfig

    task, targets = "CAUSAL_LM", method.targets
    match method:
        case Lora():
            return lora_config(method)
        case Pissa():
            return LoraConfig(
                r=method.rank,
                lora_alpha=method.rank,
                init_lora_weights=f"pissa_niter_{method.iterations}",  # pyright: ignore[reportArgumentType]
                target_modules=targets,
                task_type=task,
            )
        case Bone():
            return MissConfig(r=method.rank, init_weights="bat", target_modules=targets, task_type=task)
        case Miss():
            return MissConfig(r=method.rank, target_modules=targets, task_type=task)


def _check(model: "PreTrainedModel", method: Lora | Pissa | Bone | Miss) -> None:
    import torch

    layers = {name: layer for name, layer in model.named_modules() if isinstance(layer, torch.nn.Linear)}
    for target in method.targets:
        fitting = [layer for name, layer in layers.items() if name.split(".")[-1] == target]
        if not fitting:
            known = sorted({name.split(".")[-1] for name in layers})
            raise UserError(
                f"method.targets names {target}, which the model does not have; some of {', '.join(known)} "
                f"were expected. Correct it in params.yaml."
            )
        for layer in fitting:
            sides = (layer.in_features, layer.out_features)
            if isinstance(method, Bone) and any(side % method.rank for side in sides):
                raise UserError(
                    f"method.rank {method.rank} of bone does not divide {target}, which is {sides[1]} x "
                    f"{sides[0]}; a divisor of both was expected. Choose another rank in params.yaml."
                )
            if isinstance(method, Pissa | Lora | Miss) and method.rank > min(sides):
                raise UserError(
                    f"method.rank {method.rank} is above a side of {target}, which is {sides[1]} x "
                    f"{sides[0]}; at most {min(sides)} was expected. Choose another rank in params.yaml."
                )
