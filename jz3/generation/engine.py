"""The protocol of an engine, which turns prompts into completions, and its data types."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from pydantic import Field

from jz3.core.params import Params

EngineName = Literal["transformers", "vllm", "openai"]
ComputedIn = Literal["saved", "float32", "bfloat16", "fp8", "fp8_cache", "fp8_all"]
"""The number format in which a model computes; `saved` is that of its weights on disk. The last three are
bfloat16 with weights, the cache of keys and values, or both in 8 bits; only vLLM servers have them.
"""
FP8: dict[str, tuple[str, ...]] = {
    "fp8": ("--quantization", "fp8"),
    "fp8_cache": ("--kv-cache-dtype", "fp8"),
    "fp8_all": ("--quantization", "fp8", "--kv-cache-dtype", "fp8"),
}
"""The options of `vllm serve` for each 8-bit format."""


class Sampling(Params):
    """How tokens are drawn. All of it is passed to the engine and is part of a row's key."""

    temperature: float = Field(ge=0)
    """0 takes the most likely token."""
    top_p: float = Field(gt=0, le=1)
    """Draw among the smallest set of tokens with this share of the probability."""
    max_tokens: int = Field(ge=1)
    stop: list[str]
    """Strings at which a completion ends; they are not part of it."""


@dataclass(frozen=True)
class Turn:
    """One side's turn in a conversation."""

    role: Literal["user", "assistant"]
    content: str


Prompt = str | tuple[Turn, ...]
"""A text to continue, or a conversation that the model's own chat template writes out."""


@dataclass(frozen=True)
class GenerationRequest:
    """One completion to write. Its draws depend only on `seed` (63 bits), not on the rest of its batch."""

    prompt: Prompt
    seed: int


@dataclass(frozen=True)
class Generated:
    """One completion. If the prompt leaves no room in the model's context, it ends with `length` and no
    tokens.
    """

    text: str
    finish_reason: str
    """`stop` if the model ended it, `length` if it was cut, or another word of a server."""
    prompt_tokens: int
    completion_tokens: int
    """Tokens drawn, including the end-of-sequence token."""


class Engine(Protocol):
    """A model that is ready to write. Opening one is cheap: weights are loaded by the first `generate`."""

    @property
    def identity(self) -> dict[str, str]:
        """Everything that decides a text apart from prompt, sampling and seed: engine, model digest,
        dtype.
        """
        ...

    def generate(self, requests: Sequence[GenerationRequest], sampling: Sampling) -> list[Generated]:
        """A completion for each request, in order."""
        ...


@dataclass(frozen=True)
class Unwritten:
    """Why a request has no completion, such as `ended 3 servers or more`."""

    reason: str


Asked = tuple[str, GenerationRequest, Sampling]
"""A request with a name, such as its key in the store."""


@runtime_checkable
class StreamEngine(Engine, Protocol):
    """A model behind servers that form their own batches: rows go in and come out one by one."""

    @property
    def owns_servers(self) -> bool:
        """Whether the servers run for this engine alone, on the machine of its process."""
        ...

    def stream(self, asked: Iterator[Asked]) -> Generator[tuple[str, Generated | Unwritten] | None]:
        """The outcome of each request, by its name, in any order; None for each second without one. Closing
        the generator drops the requests in flight.
        """
        ...


OWN_BATCHES = "not promised: the engine forms batches of its own"


def text_in_same_batches(identity: Mapping[str, str]) -> str:
    """For a manifest: what happens to a row's text if the same batch is computed again."""
    return "the same" if identity["engine"] == "transformers" else OWN_BATCHES


def text_in_other_batches(identity: Mapping[str, str]) -> str:
    """For a manifest: what happens to a row's text if it is computed among other rows.

    Batched sums are rounded in another order; if a draw falls that close to the border between two tokens,
    the other token is drawn, and the text continues from there.
    """
    if identity["dtype"] == "float32":
        return "the same but for draws within the rounding of float32"
    return f"differs where the rounding of {identity['dtype']} decides a draw"


@dataclass(frozen=True)
class ModelSource:
    """The location of a model's files, and the number format in which it computes."""

    path: str
    """A directory; for a model of the hub, that of its files in the cache."""
    digest: str
    dtype: str
    """The number format for engines, such as `float32`, `bfloat16`, `fp8`."""
