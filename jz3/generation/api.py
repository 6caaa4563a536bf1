"""Engines that turn prompts into completions, behind one protocol."""

import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from pydantic import Field

from jz3.core.artifacts import InDir
from jz3.core.execution import Execution
from jz3.core.params import Params
from jz3.tables.model_manifest import ModelManifest

EngineName = Literal["transformers", "vllm", "openai"]


class Sampling(Params):
    """How tokens are drawn. Everything here is passed on, and is part of a row's key."""

    temperature: float = Field(ge=0)
    """0 takes the likeliest token."""
    top_p: float = Field(gt=0, le=1)
    """Draw among the least set of tokens with this share of the probability."""
    max_tokens: int = Field(ge=1)
    stop: list[str]
    """Strings at which a completion ends; they are not part of it."""


@dataclass(frozen=True)
class Turn:
    """What one side of a conversation said."""

    role: Literal["user", "assistant"]
    content: str


Prompt = str | tuple[Turn, ...]
"""A text to go on from, or a conversation that the model's own chat template puts into words."""


@dataclass(frozen=True)
class GenerationRequest:
    """One completion to write. `seed` (63 bits) decides its draws, whatever else is in its batch."""

    prompt: Prompt
    seed: int


@dataclass(frozen=True)
class Generated:
    """One completion. A prompt that leaves no room in the model's context gives `length` with no tokens."""

    text: str
    finish_reason: str
    """`stop` where the model ended it, `length` where it was cut, or what else a server says."""
    prompt_tokens: int
    completion_tokens: int
    """Tokens drawn, the end-of-sequence token among them."""


class Engine(Protocol):
    """A model that is ready to write. Opening one is cheap: weights are loaded by the first `generate`."""

    @property
    def identity(self) -> dict[str, str]:
        """All that decides a text besides prompt, sampling and seed: engine, model digest, dtype."""
        ...

    def generate(self, requests: Sequence[GenerationRequest], sampling: Sampling) -> list[Generated]:
        """A completion for each request, in order."""
        ...


OWN_BATCHES = "not promised: the engine forms batches of its own"


def text_in_same_batches(identity: Mapping[str, str]) -> str:
    """What becomes of a row's text where the same batch is computed again, in words for a manifest."""
    return "the same" if identity["engine"] == "transformers" else OWN_BATCHES


def text_in_other_batches(identity: Mapping[str, str]) -> str:
    """What becomes of a row's text where it is computed among other rows, in words for a manifest.

    Batched sums are rounded in another order; a draw that falls between two tokens to within that gives the
    other one, and the text goes on from there.
    """
    if identity["dtype"] == "float32":
        return "the same but for draws within the rounding of float32"
    return f"differs where the rounding of {identity['dtype']} decides a draw"


@dataclass(frozen=True)
class ModelSource:
    """Where a model's files are, and the number format that its weights were saved in."""

    path: str
    """A directory, or the name of a model of the hub."""
    revision: str | None
    digest: str
    dtype: str
    """`float32`, `bfloat16` ...: engines compute in the format of the weights."""


@contextmanager
def open_engine(name: EngineName, model: InDir[ModelManifest], execution: Execution) -> Generator[Engine]:
    """The engine of that name over a model; its memory is given back when the block ends."""
    source = find_model(model)
    if name == "vllm":
        from jz3.generation.vllm import VllmEngine

        engine = VllmEngine(source, execution)
    elif name == "openai":
        from jz3.generation.served import ServedEngine

        engine = ServedEngine(source, execution)
    else:
        from jz3.generation.transformers import TransformersEngine

        engine = TransformersEngine(source, execution)
    try:
        yield engine
    finally:
        engine.close()


def find_model(model: InDir[ModelManifest]) -> ModelSource:
    """Read what an engine must know from the manifest and the model's config."""
    manifest = model.manifest()
    if manifest.hub is None:
        config = model.path / "config.json"
        # Absolute: a worker of a cluster may run in another directory.
        return ModelSource(str(model.path.absolute()), None, manifest.digest, _dtype(config))
    from huggingface_hub import hf_hub_download

    name, _, revision = manifest.hub.partition("@")
    config = Path(hf_hub_download(name, "config.json", revision=revision or None))
    return ModelSource(name, revision or None, manifest.digest, _dtype(config))


def _dtype(config: Path) -> str:
    values = json.loads(config.read_text())
    return values.get("dtype") or values.get("torch_dtype") or "float32"
