"""LoRA adapters: W + alpha / rank B A for each target, where B starts at zero (Hu et al. 2021)."""

from typing import TYPE_CHECKING

from pydantic import Field

from jz3.core.params import Params

if TYPE_CHECKING:
    from peft import LoraConfig


class LoraParams(Params):
    """An adapter and its targets."""

    rank: int = Field(gt=0)
    alpha: float = Field(gt=0)
    dropout: float = Field(ge=0, lt=1)
    """Dropout while the adapter is trained."""
    targets: list[str] = Field(min_length=1)
    """Ends of the names of the linear layers that get an adapter, such as `q_proj`."""


def lora_config(params: LoraParams) -> "LoraConfig":
    """The parameters in peft's form."""
    from peft import LoraConfig

    return LoraConfig(
        r=params.rank,
        lora_alpha=params.alpha,  # pyright: ignore[reportArgumentType] (peft divides it; any number does)
        lora_dropout=params.dropout,
        target_modules=params.targets,
        task_type="CAUSAL_LM",
    )
