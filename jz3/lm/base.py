"""The models that the trainings start from, with their tokenizer.

A base is either built from a config (a Llama with random weights and tied embeddings; all of these share one
tokenizer, trained on the corpus table alone), or a model of the hub, of which the manifest alone is left.
The same corpus and parameters give the same bytes.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import dataframely as dy
from pydantic import BaseModel, Field, model_validator

from jz3.core.hashing import content_id, files_digest
from jz3.core.params import Params
from jz3.lm.model import ModelError, libraries, save_model, tokenizer_digest, write_manifest
from jz3.lm.tokenizer import BEGIN, END, PAD, train_tokenizer
from jz3.tables.ledger import Ledger
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.passage import Passage

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

HUB_FILES = ("*.json", "*.model", "*.txt", "*.jinja")
"""What identifies a hub model here; its weights are fetched when they are first loaded."""


class ConfigModel(Params):
    """A Llama with random weights."""

    kind: Literal["config"]
    hidden_size: int = Field(gt=0)
    layers: int = Field(gt=0)
    heads: int = Field(gt=0)
    mlp: int = Field(gt=0)
    """Width of the feed-forward layers."""
    seed: int
    """Of the weights."""
    max_positions: int = Field(gt=0)
    """Longest text in tokens."""

    @model_validator(mode="after")
    def _heads_divide(self) -> "ConfigModel":
        if self.hidden_size % (2 * self.heads):
            raise ValueError(f"hidden_size {self.hidden_size} is not a multiple of 2 x heads {self.heads}")
        return self


class HubModel(Params):
    """A model of the hub at a fixed revision."""

    kind: Literal["hub"]
    name: str
    """Such as `mistralai/Mistral-7B-v0.1`."""
    revision: str
    """The 40 hex digits of a commit: a branch may move, and with it what the cache stands for."""

    @model_validator(mode="after")
    def _fixed(self) -> "HubModel":
        if not re.fullmatch(r"[0-9a-f]{40}", self.revision):
            raise ValueError(f"revision {self.revision!r} is not the 40 hex digits of a commit")
        return self


BaseModelParams = Annotated[ConfigModel | HubModel, Field(discriminator="kind")]


class BaseParams(Params):
    """Section `base`."""

    vocabulary: int = Field(ge=300)
    """Tokens of the tokenizer of models built from a config; 256 of them are the bytes."""
    synthesis: BaseModelParams
    """What `finetune` starts from."""
    reference: BaseModelParams
    """What `warmup` starts from."""
    final: BaseModelParams
    """What `pretrain` starts from; its tokenizer is that of `pack`."""


class BaseMetrics(BaseModel):
    """`rows` are the passages that the tokenizer was trained on."""

    rows: Ledger
    vocabulary: int
    """Tokens of the trained tokenizer."""
    synthesis_parameters: int
    reference_parameters: int
    final_parameters: int


def base(
    corpus: dy.DataFrame[Passage], params: BaseParams, synthesis: Path, reference: Path, final: Path
) -> BaseMetrics:
    """Fill the three directories."""
    models = (params.synthesis, params.reference, params.final)
    tokenizer = train_tokenizer(corpus.sort("passage_id")["text"], params.vocabulary)
    manifests = [
        _leave(model, tokenizer, directory)
        for model, directory in zip(models, (synthesis, reference, final), strict=True)
    ]
    return BaseMetrics(
        rows=Ledger(read=corpus.height, kept=corpus.height, rejected={}, failed=0),
        vocabulary=len(tokenizer),
        synthesis_parameters=manifests[0].parameters,
        reference_parameters=manifests[1].parameters,
        final_parameters=manifests[2].parameters,
    )


def _leave(
    model: ConfigModel | HubModel, tokenizer: "PreTrainedTokenizerFast", directory: Path
) -> ModelManifest:
    if isinstance(model, ConfigModel):
        return build(model, tokenizer, directory)
    return fetch_manifest(model, directory)


def build(params: ConfigModel, tokenizer: "PreTrainedTokenizerFast", directory: Path) -> ModelManifest:
    """Write a Llama with random weights; the draw leaves the global generator as it was."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    vocabulary = tokenizer.get_vocab()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=params.hidden_size,
        num_hidden_layers=params.layers,
        num_attention_heads=params.heads,
        num_key_value_heads=params.heads,
        intermediate_size=params.mlp,
        max_position_embeddings=params.max_positions,
        tie_word_embeddings=True,
        pad_token_id=vocabulary[PAD],
        bos_token_id=vocabulary[BEGIN],
        eos_token_id=vocabulary[END],
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(params.seed)
        model = LlamaForCausalLM(config)
    tokenizer.model_max_length = params.max_positions
    return save_model(directory, model, tokenizer, made_by="base config", steps=0, tokens=0)


def fetch_manifest(params: HubModel, directory: Path) -> ModelManifest:
    """Write the manifest of a hub model from its config and tokenizer; no weights are fetched.

    Raises ModelError where the hub has no such model or cannot be reached.
    """
    import torch
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    try:
        snapshot = Path(
            snapshot_download(params.name, revision=params.revision, allow_patterns=list(HUB_FILES))
        )
        config = AutoConfig.from_pretrained(snapshot)
        tokenizer = AutoTokenizer.from_pretrained(snapshot)
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(
            f"model {params.name} at {params.revision} could not be had ({reason}); config and tokenizer of "
            f"a causal language model were expected. Check name, revision, token and network."
        ) from error
    with torch.device("meta"):
        shape = AutoModelForCausalLM.from_config(config)
    files = [file for pattern in HUB_FILES for file in snapshot.glob(pattern)]
    manifest = ModelManifest(
        hub=f"{params.name}@{params.revision}",
        digest=content_id(params.name, params.revision, files_digest(files, snapshot)),
        tokenizer_digest=tokenizer_digest(tokenizer),
        parameters=shape.num_parameters(),
        made_by="base hub",
        steps=0,
        tokens=0,
        libraries=libraries(),
    )
    write_manifest(directory, manifest)
    return manifest
