"""ModelManifest: what later stages must know of a model: its digest, its tokenizer, how it was made."""

from pydantic import BaseModel, ConfigDict

from jz3.tables.words import PromptForm


class ModelManifest(BaseModel):
    """Lies beside weights (safetensors), config and tokenizer in one directory, or alone for a model of the
    hub.
    """

    model_config = ConfigDict(protected_namespaces=())

    hub: str | None
    """`name@revision` of a model on the hub; null if the weights lie beside the manifest."""
    digest: str
    """Digest of weights, config and tokenizer files; part of the key of each row that the model writes."""
    tokenizer_digest: str
    parameters: int
    """Number of weights."""
    made_by: str
    """The stage and the kind of training: `base`, `finetune full`, `pretrain full` ..."""
    steps: int
    """Optimizer steps of its training; 0 for a base model."""
    tokens: int
    """Tokens that it was trained on here, without padding."""
    prompt_form: PromptForm | None
    """Form of the prompts that it was trained to write problems for; null if it was not."""
    libraries: dict[str, str]
    """Versions of the libraries that can change the weights."""

    @property
    def on_hub(self) -> tuple[str, str] | None:
        """Name and revision, if the model is on the hub; otherwise None."""
        if self.hub is None:
            return None
        name, _, revision = self.hub.rpartition("@")
        return name, revision
