"""The models that trainings start from, with their tokenizer.

A base is either built from a config (a Llama with tied embeddings; all of these share one tokenizer, trained
only on the corpus table), or a model that `jz3 fetch` brought, of which only the manifest is left. A model
from a config has random weights, or is trained on the corpus (`jz3/training/corpus_training.py`); equal
configs are trained once. The same corpus and parameters give the same bytes.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import dataframely as dy
from pydantic import BaseModel, Field, model_validator

from jz3.core.artifacts import InFiles
from jz3.core.execution import Execution
from jz3.core.hashing import content_id, files_digest
from jz3.core.params import Params, Seed
from jz3.lm.model import ModelError, libraries, load_model, save_model, tokenizer_digest, write_manifest
from jz3.lm.tokenizer import BEGIN, END, PAD, train_tokenizer
from jz3.raw.fetched import ENDING, checked, of_its_size, read_manifest
from jz3.tables.ledger import Ledger
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.passage import Passage
from jz3.training.corpus_training import CorpusTraining, last_loss, train_on_corpus

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

IDENTITY = (".json", ".model", ".txt", ".jinja")
"""Endings of config and tokenizer files, which together with its commit identify a fetched model here."""


class ConfigModel(Params):
    """A new Llama."""

    kind: Literal["config"]
    hidden_size: int = Field(gt=0)
    layers: int = Field(gt=0)
    heads: int = Field(gt=0)
    mlp: int = Field(gt=0)
    """Width of the feed-forward layers."""
    seed: Seed
    """The seed of the weights."""
    max_positions: int = Field(gt=0)
    """The longest text, in tokens."""
    training: CorpusTraining | None
    """null leaves random weights."""

    @model_validator(mode="after")
    def _heads_divide(self) -> "ConfigModel":
        if self.hidden_size % (2 * self.heads):
            raise ValueError(f"hidden_size {self.hidden_size} is not a multiple of 2 x heads {self.heads}")
        return self


class FetchedModel(Params):
    """A model that `jz3 fetch` brought from the hub."""

    kind: Literal["fetched"]
    source: str
    """Its name in `data/sources.yaml`; the manifest is in `data/raw/models`."""


BaseModelParams = Annotated[ConfigModel | FetchedModel, Field(discriminator="kind")]


class BaseParams(Params):
    """Section `base`."""

    vocabulary: int = Field(ge=300)
    """Tokens of the tokenizer of models built from a config; 256 of them are the bytes."""
    synthesis: BaseModelParams
    """The model that `finetune` starts from."""
    reference: BaseModelParams
    """The model that `warmup` starts from."""
    final: BaseModelParams
    """The model that `pretrain` starts from; `pack` uses its tokenizer."""


class BaseMetrics(BaseModel):
    """`rows` are the passages that the tokenizer was trained on."""

    rows: Ledger
    vocabulary: int
    """Tokens of the trained tokenizer."""
    synthesis_parameters: int
    reference_parameters: int
    final_parameters: int
    synthesis_loss: float | None
    """Mean over the last twentieth of the steps, in nats per token, if the base was trained on the corpus."""
    reference_loss: float | None
    final_loss: float | None


@dataclass(frozen=True)
class Left:
    """What was left in a base's directory, and the last loss of its training."""

    directory: Path
    manifest: ModelManifest
    loss: float | None


def base(
    corpus: dy.DataFrame[Passage],
    params: BaseParams,
    models: InFiles,
    synthesis: Path,
    reference: Path,
    final: Path,
    execution: Execution,
) -> BaseMetrics:
    """Fill the three directories. `models` holds the manifests of fetched models."""
    texts = corpus.sort("passage_id")["text"].to_list()
    tokenizer = train_tokenizer(texts, params.vocabulary)
    left: dict[str, Left] = {}
    made: list[Left] = []
    asked = (params.synthesis, params.reference, params.final)
    for model, directory in zip(asked, (synthesis, reference, final), strict=True):
        same = left.get(model.model_dump_json())
        made.append(
            _copied(same, directory)
            if same
            else _leave(model, models, tokenizer, texts, directory, execution)
        )
        left[model.model_dump_json()] = made[-1]
    return BaseMetrics(
        rows=Ledger(read=corpus.height, kept=corpus.height, rejected={}, failed=0),
        vocabulary=len(tokenizer),
        synthesis_parameters=made[0].manifest.parameters,
        reference_parameters=made[1].manifest.parameters,
        final_parameters=made[2].manifest.parameters,
        synthesis_loss=made[0].loss,
        reference_loss=made[1].loss,
        final_loss=made[2].loss,
    )


def _copied(left: Left, directory: Path) -> Left:
    shutil.copytree(left.directory, directory, dirs_exist_ok=True)
    return Left(directory, left.manifest, left.loss)


def _leave(
    model: ConfigModel | FetchedModel,
    models: InFiles,
    tokenizer: "PreTrainedTokenizerFast",
    texts: list[str],
    directory: Path,
    execution: Execution,
) -> Left:
    if isinstance(model, FetchedModel):
        return Left(directory, fetched_manifest(model, models, directory), None)
    manifest = build(model, tokenizer, directory)
    if model.training is None:
        return Left(directory, manifest, None)
    llama = load_model(directory, "float32")
    loss = train_on_corpus(llama, tokenizer, texts, model.training, execution)
    manifest = save_model(
        directory,
        llama,
        tokenizer,
        made_by="base config, trained on the corpus",
        steps=loss.height,
        tokens=int(loss["tokens"][-1]),
    )
    return Left(directory, manifest, last_loss(loss))


def build(params: ConfigModel, tokenizer: "PreTrainedTokenizerFast", directory: Path) -> ModelManifest:
    """Write a Llama with random weights; the global random generator is left as it was."""
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


def fetched_manifest(params: FetchedModel, models: InFiles, directory: Path) -> ModelManifest:
    """Write the manifest of a fetched model from its config and tokenizer; only the sizes of the weights are
    checked.

    Raises UserError if a file of it is missing or different, or if it is not a causal language model.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    file = models.path / f"{params.source}{ENDING}"
    fetched = read_manifest(file)
    snapshot = fetched.folder()
    for name in fetched.files:
        of_its_size(file, fetched, name)
    files = [checked(file, fetched, name) for name in fetched.files if name.endswith(IDENTITY)]
    try:
        config = AutoConfig.from_pretrained(snapshot, trust_remote_code=False)
        tokenizer = AutoTokenizer.from_pretrained(snapshot, trust_remote_code=False)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(
            f"model {fetched.origin} cannot be used ({reason}); config and tokenizer of a causal language "
            f"model were expected. Name other files of '{params.source}' in data/sources.yaml."
        ) from error
    with torch.device("meta"):
        shape = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    manifest = ModelManifest(
        hub=fetched.origin,
        digest=content_id(fetched.repo, fetched.revision, files_digest(files, snapshot)),
        tokenizer_digest=tokenizer_digest(tokenizer),
        parameters=shape.num_parameters(),
        made_by="base hub",
        steps=0,
        tokens=0,
        prompt_form=None,
        libraries=libraries(),
    )
    write_manifest(directory, manifest)
    return manifest
