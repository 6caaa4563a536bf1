"""The encoder that makes vectors of texts: by the spelling of their words, or a model of the hub."""

from collections.abc import Callable, Sequence
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from jz3.core.artifacts import InFiles
from jz3.core.execution import Execution
from jz3.core.params import Params
from jz3.raw.fetched import ENDING, of_its_size, read_manifest
from jz3.vectors.ngrams import ngram_vectors
from jz3.vectors.sentences import SentenceEncoder

Encode = Callable[[Sequence[str]], NDArray[np.float32]]
"""[texts, dimensions], each row of length 1 (or 0 for a text without words)."""


class SpellingEncoder(Params):
    """Encodes words and their letter n-grams (jz3/vectors/ngrams.py); it needs no model."""

    kind: Literal["spelling"]
    dimensions: int = Field(ge=1)
    most_words: int = Field(ge=1)
    """The most words of a text that are read."""


class FetchedEncoder(Params):
    """A sentence encoder that `jz3 fetch` brought (jz3/vectors/sentences.py)."""

    kind: Literal["fetched"]
    source: str = Field(min_length=1)
    """A name in `data/sources.yaml`."""
    max_tokens: int = Field(ge=1)
    """The most tokens of a text that are read."""


EncoderParams = Annotated[SpellingEncoder | FetchedEncoder, Field(discriminator="kind")]


def open_encoder(params: SpellingEncoder | FetchedEncoder, models: InFiles, execution: Execution) -> Encode:
    """The encoder; `models` holds the manifests of fetched ones. Raises RawFileError if its model is
    missing.
    """
    if isinstance(params, SpellingEncoder):
        return lambda texts: ngram_vectors(texts, params.dimensions, params.most_words)
    file = models.path / f"{params.source}{ENDING}"
    fetched = read_manifest(file)
    for name in fetched.files:
        of_its_size(file, fetched, name)
    return SentenceEncoder(
        fetched.folder(), fetched.origin, params.max_tokens, execution.device, execution.generation_batch
    )
