"""The protocol of an engine, which turns prompts into completions, and the words that it is spoken to in."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from pydantic import Field

from jz3.core.params import Params

EngineName = Literal["transformers", "vllm", "openai"]
ComputedIn = Literal["saved", "float32", "bfloat16", "fp8", "fp8_cache", "fp8_all"]
"""The number format that a model computes in; `saved` is that of its weights on disk. The others are bfloat16
with weights, the cache of keys and values, or both in 8 bits, which only servers of vLLM have.
"""
FP8: dict[str, tuple[str, ...]] = {
    "fp8": ("--quantization", "fp8"),
    "fp8_cache": ("--kv-cache-dtype", "fp8"),
    "fp8_all": ("--quantization", "fp8", "--kv-cache-dtype", "fp8"),
}
"""What `vllm serve` takes for each format of 8 bits."""


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


@dataclass(frozen=True)
class Unwritten:
    """Why there is no completion of a request, such as `ended 3 servers or more`."""

    reason: str


Asked = tuple[str, GenerationRequest, Sampling]
"""A request under a name, such as its key in the store."""


@runtime_checkable
class StreamEngine(Engine, Protocol):
    """A model behind servers, which form batches of their own: rows go in and come out one by one."""

    def stream(self, asked: Iterator[Asked]) -> Generator[tuple[str, Generated | Unwritten] | None]:
        """What becomes of each request, under its name, in whatever order; None each second in which nothing
        does. Closing it gives up what is on its way.
        """
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
    """Where a model's files are, and the number format that it computes in."""

    path: str
    """A directory; of a model of the hub that of its files in the cache."""
    digest: str
    dtype: str
    """`float32`, `bfloat16`, `fp8` ...: what engines compute in."""
