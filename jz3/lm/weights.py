"""Weights in a file, as they were in training: adapters and the weights under them, in their own precision.

Equal weights give equal bytes. Reading them into a model of the same form must leave nothing over.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def write_weights(weights: "Mapping[str, torch.Tensor]", file: Path) -> None:
    """Write weights; a tensor that several names share (tied embeddings) is written once, by the first
    name.
    """
    from safetensors.torch import save_file

    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(file.name + ".part")
    save_file({name: weights[name].contiguous() for name in _unshared(weights)}, part)
    part.replace(file)


def read_weights(model: "torch.nn.Module", file: Path) -> None:
    """Read weights. Raises AssertionError if the file is from a model of another form: the caller's
    mistake.
    """
    from safetensors.torch import load_file

    found = load_file(file)
    missing, unexpected = model.load_state_dict(found, strict=False)
    shared = set(model.state_dict()) - set(_unshared(model.state_dict()))
    assert not unexpected, f"{file} holds {unexpected[:3]}, which the model does not have"
    assert set(missing) <= shared, f"{file} lacks {sorted(set(missing) - shared)[:3]} of the model"


def weights_digest(weights: "Mapping[str, torch.Tensor]") -> str:
    """32 hex digits of names, shapes and values."""
    import torch

    digest = hashlib.sha256()
    for name in sorted(weights):
        tensor = weights[name].detach().cpu().contiguous()
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()[:32]


def _unshared(weights: "Mapping[str, torch.Tensor]") -> list[str]:
    """Names in order, without those whose tensor has an earlier name, too."""
    first: dict[tuple[int, tuple[int, ...]], str] = {}
    for name in sorted(weights):
        first.setdefault((weights[name].data_ptr(), tuple(weights[name].shape)), name)
    return sorted(first.values())
