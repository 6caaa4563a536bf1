"""The reference model on disk: its base, and for each epoch an adapter with the moments of its optimizer.

```
base/                       a model directory (weights, or the manifest alone for a model of the hub)
epoch-1/adapter_config.json, adapter_model.safetensors     as peft writes and reads them
epoch-1/exp_avg.safetensors, exp_avg_sq.safetensors        by the names of the adapter's weights
manifest.json               CheckpointsManifest
```

A checkpoint is opened with its adapter merged into the base, W + sBA, so that a pass costs no more than one
of the base; A and B stay beside it for the gradients. Shapes: R rank, I inputs, O outputs of a layer.
"""

# ruff: noqa: N803, N806, N815 (names of tensors end in their shape)

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jz3.core.errors import UserError
from jz3.lm.freed_memory import keep_freed_memory
from jz3.lm.model import load_model

if TYPE_CHECKING:
    import torch
    from peft import PeftModel
    from transformers import PreTrainedModel

BASE = "base"
ADAPTER_FILE = "adapter_model.safetensors"
CONFIG_FILE = "adapter_config.json"
FIRST_MOMENTS = "exp_avg"
SECOND_MOMENTS = "exp_avg_sq"

Precision = Literal["bf16", "fp32"]


class CheckpointError(UserError):
    """A checkpoint of the reference model cannot be used."""


@dataclass(frozen=True)
class LoraLayer:
    """The adapter of one linear layer, whose output is W x + scale B A x."""

    a_RI: "torch.Tensor"
    b_OR: "torch.Tensor"
    scale: float


@dataclass(frozen=True)
class Moments:
    """Moments of one adapter matrix, flattened to [D], in float32. `B` is transposed first, like its
    gradients.
    """

    first_D: "torch.Tensor"
    second_D: "torch.Tensor"


@dataclass(frozen=True)
class Reference:
    """The reference model after an epoch.

    `layers` are by the name of the layer in the model, `moments` by layer and matrix (`A` or `B`).
    """

    model: "PreTrainedModel"
    layers: dict[str, LoraLayer]
    moments: dict[tuple[str, str], Moments]


def write_checkpoint(directory: Path, model: "PeftModel", optimizer: "torch.optim.Optimizer") -> None:
    """Write adapter and moments; equal weights give equal bytes."""
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    directory.mkdir(parents=True)
    names = {
        id(weight): name.replace(".default.", ".")
        for name, weight in model.named_parameters()
        if weight.requires_grad
    }
    weights: dict[str, torch.Tensor] = get_peft_model_state_dict(model)
    save_file(_plain(weights), directory / ADAPTER_FILE)
    _write_config(directory, model)
    by_name = {names[id(weight)]: state for weight, state in optimizer.state.items()}
    assert by_name.keys() == weights.keys(), "the optimizer moves other weights than the adapter's"
    for moment in (FIRST_MOMENTS, SECOND_MOMENTS):
        tensors = {name: state[moment] for name, state in by_name.items()}
        save_file(_plain(tensors), directory / f"{moment}.safetensors")


def _plain(tensors: "dict[str, torch.Tensor]") -> "dict[str, torch.Tensor]":
    return {name: tensor.detach().float().cpu().contiguous() for name, tensor in sorted(tensors.items())}


def _write_config(directory: Path, model: "PeftModel") -> None:
    """Write the config as peft does, with sets sorted and the base named by its path relative to the
    checkpoint.
    """
    settings: dict[str, Any] = model.peft_config["default"].to_dict()
    settings |= {"base_model_name_or_path": f"../{BASE}", "inference_mode": True}
    plain = {key: sorted(value) if isinstance(value, set) else value for key, value in settings.items()}
    (directory / CONFIG_FILE).write_text(json.dumps(plain, indent=2, sort_keys=True, default=str) + "\n")


def open_checkpoint(base: Path, directory: Path, precision: Precision, device: str) -> Reference:
    """The model of an epoch with its adapter merged and its weights frozen.

    Raises CheckpointError if the adapter does not fit the base or belongs to a layer that is not linear.
    """
    import torch
    from safetensors.torch import load_file

    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    model = load_model(base, str(dtype).removeprefix("torch."))
    model.requires_grad_(requires_grad=False).eval()
    model.to(device)  # pyright: ignore[reportArgumentType] (its decorator hides the method's own types)
    if (
        device == "cpu"
    ):  # measured: a bf16 pass takes 9.4 ms a row of 110 tokens, and 13.6 with the fused kernel
        model.set_attn_implementation("eager")
        keep_freed_memory()
    weights = load_file(directory / ADAPTER_FILE, device=device)
    scale = _scale(directory)
    layers: dict[str, LoraLayer] = {}
    for name in sorted({_layer(key) for key in weights}):
        a_RI, b_OR = (weights[_key(name, matrix)] for matrix in "AB")
        _merge(model, name, scale * (b_OR @ a_RI))
        layers[name] = LoraLayer(a_RI.to(dtype), b_OR.to(dtype), scale)
    first, second = (
        load_file(directory / f"{m}.safetensors", device=device) for m in (FIRST_MOMENTS, SECOND_MOMENTS)
    )
    moments: dict[tuple[str, str], Moments] = {}
    for name in layers:
        key_a, key_b = (_key(name, matrix) for matrix in "AB")
        moments[name, "A"] = Moments(first[key_a].flatten(), second[key_a].flatten())
        moments[name, "B"] = Moments(first[key_b].T.flatten(), second[key_b].T.flatten())
    return Reference(model, layers, moments)


def adapter_parameters(directory: Path) -> int:
    """Number of adapter weights of an epoch; only the header of the file is read."""
    from safetensors import safe_open

    with safe_open(directory / ADAPTER_FILE, framework="pt") as file:
        return sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118


def _key(layer: str, matrix: str) -> str:
    return f"base_model.model.{layer}.lora_{matrix}.weight"


def _layer(key: str) -> str:
    return key.removeprefix("base_model.model.").rsplit(".lora_", 1)[0]


def _scale(directory: Path) -> float:
    settings: dict[str, Any] = json.loads((directory / CONFIG_FILE).read_text())
    rank, alpha = float(settings["r"]), float(settings["lora_alpha"])
    return alpha / (rank**0.5 if settings.get("use_rslora") else rank)


def _merge(model: "PreTrainedModel", name: str, update_OI: "torch.Tensor") -> None:
    import torch

    module: torch.nn.Module = model.get_submodule(name)
    if not isinstance(module, torch.nn.Linear) or module.weight.shape != update_OI.shape:
        raise CheckpointError(
            f"layer {name} is a {type(module).__name__} and its adapter has shape {tuple(update_OI.shape)}; "
            f"a linear layer of that shape was expected. Choose other warmup.adapter.targets."
        )
    module.weight.data = (module.weight.float() + update_OI).to(module.weight.dtype)
