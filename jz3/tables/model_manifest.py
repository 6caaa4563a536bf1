"""ModelManifest: what later stages must know of a model: its digest, its tokenizer, how it came to be."""

from pydantic import BaseModel, ConfigDict

from jz3.tables.words import PromptForm


class ModelManifest(BaseModel):
    """Beside weights (safetensors), config and tokenizer in one directory; or alone, for a model of the
    hub.
    """

    model_config = ConfigDict(protected_namespaces=())

    hub: str | None
    """`name@revision` of a model that lies on the hub; null where the weights lie beside the manifest."""
    digest: str
    """Of weights, config and tokenizer files; part of the key of each row that the model makes."""
    tokenizer_digest: str
    parameters: int
    """Number of weights."""
    made_by: str
    """The stage and the kind of training: `base`, `finetune full`, `pretrain full` ..."""
    steps: int
    """Optimizer steps that made it; 0 for a base."""
    tokens: int
    """Tokens it was trained on here, padding not counted."""
    prompt_form: PromptForm | None
    """Form of the prompts that it learnt to write problems for; null for a model that writes none."""
    libraries: dict[str, str]
    """Versions that can change the weights."""

    @property
    def on_hub(self) -> tuple[str, str] | None:
        """Name and revision of a model of the hub."""
        if self.hub is None:
            return None
        name, _, revision = self.hub.rpartition("@")
        return name, revision
