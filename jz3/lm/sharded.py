"""Weights as shards of FSDP2 (`fully_shard` of torch), from the file to the checkpoint.

Each rank reads its own shard of the file. With precision bf16 a layer is gathered and computed in bfloat16,
instead of autocast over float32; gradients are reduced in float32, the format of weights and optimizer. If
there are several machines, each has all shards, and they average gradients (HSDP). All ranks write
checkpoints together (torch.distributed.checkpoint). Importing this module takes a second.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
import torch.distributed.checkpoint as dcp
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.tensor import DTensor
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from jz3.core.errors import UserError
from jz3.core.execution import Execution
from jz3.lm.model import place_of
from jz3.lm.plan import OptimizerParams

if TYPE_CHECKING:
    from transformers import PreTrainedModel

WEIGHTS, OPTIMIZER = "sharded_weights", "sharded_optimizer"
"""Folders of a checkpoint."""
WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True)


def load_sharded(directory: Path, execution: Execution, optimizer: OptimizerParams) -> "PreTrainedModel":
    """The model in a directory, or the hub model that its manifest names, in float32, with a shard on each
    rank.

    Every rank must call it. Raises UserError if the device is not the one that torch was built for, or if
    shards do not divide the rows of a weight.
    """
    from transformers import AutoModelForCausalLM
    from transformers.distributed import DistributedConfig
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    built_for = torch.accelerator.current_accelerator()
    if built_for is not None and built_for.type != execution.device:
        raise UserError(
            f"sharding fsdp computes on {built_for.type}, which this torch was built for; execution.yaml has "
            f"device {execution.device}. Set sharding to zero2, or device to {built_for.type}."
        )
    shards = execution.ranks // execution.nodes
    model = AutoModelForCausalLM.from_pretrained(
        place_of(directory),
        dtype="float32",
        trust_remote_code=False,
        local_files_only=True,
        distributed_config=DistributedConfig(
            fsdp_size=shards,
            dp_replicate_size=execution.nodes,
            fsdp_mixed_precision=optimizer.precision == "bf16",
        ),
    )
    check_shards({name: len(weight) for name, weight in model.named_parameters()}, shards)
    return model


def check_shards(rows: Mapping[str, int], shards: int) -> None:
    """Raise UserError if shards do not divide the rows of a weight. With torch 2.13 and transformers 5.23
    losses then differ from the first update on, while even shards train like a single process.
    """
    for name, count in rows.items():
        if count % shards:
            raise UserError(
                f"{name} has {count} rows, which {shards} shards do not divide; sharding fsdp needs as many "
                f"on each. Set execution.yaml:sharding to zero2, or take another number of ranks."
            )


def whole_weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """All weights on the first rank, nothing on the others; every rank must call it."""
    return cast("dict[str, torch.Tensor]", get_model_state_dict(model, options=WHOLE))


def write_shards(checkpoint: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Write weights and moments; every rank writes its own."""
    dcp.save(get_model_state_dict(model), checkpoint_id=checkpoint / WEIGHTS)
    dcp.save(get_optimizer_state_dict(model, optimizer), checkpoint_id=checkpoint / OPTIMIZER)


def read_weight_shards(checkpoint: Path, model: torch.nn.Module) -> None:
    """Read the weights that `write_shards` wrote."""
    weights = get_model_state_dict(model)
    dcp.load(weights, checkpoint_id=checkpoint / WEIGHTS)
    set_model_state_dict(model, weights)


def read_optimizer_shards(checkpoint: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Read the moments that `write_shards` wrote."""
    states: dict[str, Any] = get_optimizer_state_dict(model, optimizer)
    dcp.load(states, checkpoint_id=checkpoint / OPTIMIZER)
    set_optimizer_state_dict(model, optimizer, states)


def clip_gradients(model: torch.nn.Module, largest_norm: float) -> torch.Tensor:
    """Limit the gradient's norm; return the norm before, over all ranks."""
    trained = [weight for weight in model.parameters() if weight.grad is not None]
    norm = get_total_norm([weight.grad for weight in trained if weight.grad is not None])
    whole = norm.full_tensor() if isinstance(norm, DTensor) else norm
    clip_grads_with_norm_(trained, largest_norm, whole)
    return whole
