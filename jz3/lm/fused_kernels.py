"""Kernels that pass over memory once where torch's operations pass over it many times, for trainings on GPUs.

Norms, rotary embeddings and SwiGLU come from liger-kernel, which the Trainer patches into a model; the
cross-entropy is torch's own, compiled. In bfloat16 they round less often than the operations one by one do.
Importing this module imports torch, which takes a second.
"""

import logging
from functools import cache
from importlib.util import find_spec

import torch
from transformers import PreTrainedModel

from jz3.core.errors import UserError
from jz3.lm.labelled_places import CrossEntropy, cross_entropy

PACKAGE = "liger_kernel"
SILU = ("silu", "swish")
log = logging.getLogger(__name__)


def liger_kernels(model: PreTrainedModel) -> dict[str, bool]:
    """The kernels that the Trainer is to patch into a model. Raises UserError if liger-kernel is not there.

    Not its losses: they would replace the model's whole pass, which here ends at the labelled places, and sum
    in the logits' bfloat16.
    """
    if find_spec(PACKAGE) is None:
        raise UserError(
            "execution.yaml:fused_kernels is true, but there is no liger-kernel in this environment. "
            "`make gpu` installs it, or `pip install 'jz3[kernels]'`; or set fused_kernels to false."
        )
    from liger_kernel.transformers import monkey_patch  # pyright: ignore[reportMissingImports]

    kind = model.config.model_type
    if kind not in monkey_patch.MODEL_TYPE_TO_APPLY_LIGER_FN:
        log.warning("liger-kernel knows no model of type %s: it trains by torch's own operations", kind)
    is_swiglu = getattr(model.config, "hidden_act", None) in SILU  # patched in whatever the activation is
    return {
        "rope": True,
        "rms_norm": True,
        "swiglu": is_swiglu,
        "cross_entropy": False,
        "fused_linear_cross_entropy": False,
    }


@cache
def compiled_cross_entropy() -> CrossEntropy:
    """`cross_entropy` as one kernel each way; compiled at its first call, once for all numbers of labels."""
    return torch.compile(cross_entropy, dynamic=True)
