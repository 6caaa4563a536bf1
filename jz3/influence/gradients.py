"""The exact gradient of each sample of a batch for the weights of a LoRA adapter, in one pass.

With X the inputs of a layer and G the gradients of the summed loss for its outputs, both caught by hooks, the
gradients of one sample are dB = s G^T (X A^T) and dA = s (G B)^T X: two batched matrix products per layer.
They are passed on layer by layer during the backward pass, so that only one layer's gradients of one batch
are held at a time, and the pass ends at the lowest layers with an adapter: no gradient is needed below them.
The loss of a sample is the mean over its label tokens, in nats.

Rows are padded on the right. A causal model cannot look there, so the gradients at padded places are exactly
zero and no attention mask is needed. Padding changes the result only by rounding.

Shapes: B samples, T tokens, I inputs and O outputs of a layer, R rank, N label tokens of the batch,
D weights of one matrix, flat.
"""

# ruff: noqa: N803, N806, N815 (names of tensors end in their shape)

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy, pad
from transformers import PreTrainedModel

from jz3.influence.checkpoints import CheckpointError, LoraLayer
from jz3.lm.encode import IGNORED_LABEL, EncodedRow
from jz3.lm.labelled_places import LabelledPlaces

Take = Callable[[tuple[str, str], torch.Tensor], None]
"""Gets ((layer, `A` or `B`), gradients [B, D] in float32) for each matrix of the adapter, once per batch.

`B` is transposed before it is flattened.
"""


@dataclass(frozen=True)
class PaddedBatch:
    """Padded rows; `places_N` are the indices in the flattened batch from which `targets_N` is predicted."""

    tokens_BT: torch.Tensor
    places_N: torch.Tensor
    targets_N: torch.Tensor
    labels_B: torch.Tensor
    """Number of label tokens of each row."""


def cut_batches(rows: Sequence[EncodedRow], padded_tokens: int) -> list[Sequence[EncodedRow]]:
    """Rows in order, in batches of at most `padded_tokens` places (a batch has at least one row)."""
    batches: list[Sequence[EncodedRow]] = []
    start = longest = 0
    for end, row in enumerate(rows):
        longest = max(longest, len(row.tokens))
        if end > start and longest * (end + 1 - start) > padded_tokens:
            batches.append(rows[start:end])
            start, longest = end, len(row.tokens)
    return [*batches, rows[start:]] if len(rows) else []


def batch_of(rows: Sequence[EncodedRow], device: torch.device) -> PaddedBatch:
    length = max(len(row.tokens) for row in rows)
    tokens_BT = torch.tensor([row.tokens + [0] * (length - len(row.tokens)) for row in rows])
    labels_BT = torch.tensor([row.labels + [IGNORED_LABEL] * (length - len(row.labels)) for row in rows])
    targets_BT = pad(labels_BT[:, 1:], (0, 1), value=IGNORED_LABEL)  # each place predicts the next token
    is_told_BT = targets_BT != IGNORED_LABEL
    places_N = is_told_BT.flatten().nonzero().squeeze(1)
    return PaddedBatch(
        tokens_BT.to(device),
        places_N.to(device),
        targets_BT.flatten()[places_N].to(device),
        is_told_BT.sum(1).to(device),
    )


def backward(
    model: PreTrainedModel, layers: Mapping[str, LoraLayer], rows: Sequence[EncodedRow], take: Take
) -> torch.Tensor:
    """One forward and backward pass over the rows; returns the loss of each [B], float32.

    The model's own weights must be frozen (`open_checkpoint` does so): they get no gradient.
    """
    return backward_batch(model, layers, batch_of(rows, model.device), take)


def backward_batch(
    model: PreTrainedModel, layers: Mapping[str, LoraLayer], batch: PaddedBatch, take: Take
) -> torch.Tensor:
    """As `backward`, for rows that are padded already."""
    with torch.enable_grad(), _caught(model, layers, take):
        losses_B = _losses_of(model, batch)
        losses_B.sum().backward()
    return losses_B.detach()


def losses(model: PreTrainedModel, rows: Sequence[EncodedRow]) -> torch.Tensor:
    """One forward pass over the rows; returns the loss of each [B], float32."""
    return _losses_of(model, batch_of(rows, model.device))


def _losses_of(model: PreTrainedModel, batch: PaddedBatch) -> torch.Tensor:
    with LabelledPlaces(model) as labelled:
        labelled.indices = batch.places_N
        logits_NV = model(input_ids=batch.tokens_BT, use_cache=False).logits
    losses_N = cross_entropy(logits_NV.float(), batch.targets_N, reduction="none")
    rows_N = batch.places_N // batch.tokens_BT.shape[1]
    losses_B = torch.zeros(len(batch.labels_B), device=model.device)
    return losses_B.index_add(0, rows_N, losses_N / batch.labels_B[rows_N])


@contextmanager
def _caught(model: PreTrainedModel, layers: Mapping[str, LoraLayer], take: Take) -> Generator[None]:
    """While open, a backward pass gives the gradients of each layer's adapter to `take`."""
    with ExitStack() as hooks:
        for name, layer in layers.items():
            module = model.get_submodule(name)
            hooks.enter_context(module.register_forward_hook(_catcher(name, layer, take)))
        yield


def _catcher(name: str, layer: LoraLayer, take: Take) -> Callable[..., torch.Tensor]:
    # The scale goes into A and B, which are the smallest factors.
    scaled_a_IR = (layer.scale * layer.a_RI).T
    scaled_b_OR = layer.scale * layer.b_OR

    def catch(
        _module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], output_BTO: torch.Tensor
    ) -> torch.Tensor:
        x_BTI = inputs[0].detach()
        if x_BTI.ndim != 3:
            raise CheckpointError(
                f"layer {name} reads {x_BTI.ndim} dimensions; batch, tokens and features were expected, as "
                f"gradients of a sample need its tokens apart. Choose other warmup.adapter.targets."
            )
        # The layer has just read X, which will have left the core's cache by the backward pass.
        down_BTR = x_BTI @ scaled_a_IR

        def give(g_BTO: torch.Tensor) -> None:
            up_BTR = g_BTO @ scaled_b_OR
            # B transposed, because this reads G in the order of memory; next to the other product of G, which
            # is then in the cache.
            b_BRO = down_BTR.mT @ g_BTO
            a_BRI = up_BTR.mT @ x_BTI
            take((name, "A"), a_BRI.flatten(1).float())
            take((name, "B"), b_BRO.flatten(1).float())

        if not output_BTO.requires_grad:
            # No weight requires a gradient, so the graph begins here. It is a copy, because some models write
            # into a layer's output (OLMo clips it), and a tensor that begins a graph must not be written
            # into.
            output_BTO = output_BTO.requires_grad_().clone()
        output_BTO.register_hook(give)
        return output_BTO

    return catch
