"""Loss on blocks that are not trained on, computed as in training. Costs a forward pass.

Importing this module takes seconds.
"""

from collections.abc import Generator
from contextlib import contextmanager

import numpy as np
import torch
from transformers import PreTrainedModel

from jz3.core.execution import Execution
from jz3.lm.blocks import Blocks
from jz3.lm.document_attention import by_documents
from jz3.lm.encode import IGNORED_LABEL
from jz3.lm.labelled_places import LabelledPlaces, labelled_places, summed_loss
from jz3.lm.model import cache
from jz3.lm.plan import Plan, cut_into_steps
from jz3.lm.trainer import Pieces


def mean_loss(model: PreTrainedModel, blocks: Blocks, precision: str, execution: Execution) -> float:
    """Mean over all label tokens, in nats; documents apart, dropout off. NaN if there is no label."""
    device = torch.device(execution.device)
    model.to(device)  # pyright: ignore[reportArgumentType]
    steps = cut_into_steps(np.arange(len(blocks)), execution.training_batch)
    pieces = Pieces(blocks, Plan(steps, [len(steps)]), 1)
    total, labels = 0.0, 0
    with measuring(model, precision, device.type) as places:
        for number in range(len(steps)):
            piece = {name: values.to(device) for name, values in pieces[number].items()}
            targets = torch.nn.functional.pad(piece["labels"][:, 1:], (0, 1), value=IGNORED_LABEL)
            labelled, places.indices = labelled_places(targets)
            tokens, positions, lengths = (
                piece[name] for name in ("input_ids", "position_ids", "document_lengths")
            )
            total += float(summed_loss(model, tokens, positions, lengths.tolist(), labelled))
            labels += len(labelled)
    model.to("cpu")  # pyright: ignore[reportArgumentType]
    return total / labels if labels else float("nan")


@contextmanager
def measuring(model: PreTrainedModel, precision: str, device: str) -> Generator[LabelledPlaces]:
    """While open, a model on such a device gives losses without gradients."""
    model.eval()
    with (
        torch.no_grad(),
        # Else the cast of every weight is kept to the end: half as much again as the weights themselves.
        torch.autocast(device, torch.bfloat16, enabled=precision == "bf16", cache_enabled=False),
        cache(model, on=False),
        by_documents(model, device),
        LabelledPlaces(model) as places,
    ):
        yield places
