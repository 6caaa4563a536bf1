"""CheckpointsManifest: the reference model at the end of each warm-up epoch, with its optimizer."""

from pydantic import BaseModel, ConfigDict


class Checkpoint(BaseModel):
    """One epoch: `directory` holds the adapter and the moments of its optimizer."""

    directory: str
    mean_learning_rate: float
    """Mean over the steps of the epoch; the epoch's weight in the influence score (LESS, arXiv
    2402.04333).
    """
    step: int
    mean_loss: float
    """Mean over the epoch, in nats per label token."""


class CheckpointsManifest(BaseModel):
    """`base/` beside the checkpoints holds the base model."""

    model_config = ConfigDict(protected_namespaces=())

    base_digest: str
    tokenizer_digest: str
    checkpoints: list[Checkpoint]
    adam_beta1: float
    adam_beta2: float
    adam_epsilon: float
    libraries: dict[str, str]
