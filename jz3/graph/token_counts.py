"""Tokens of prompts, counted with the tokenizer of the model that reads them, if it is on this machine.

Nothing is downloaded: a tokenizer is in a directory, or in the hub's cache from an earlier run. The cost is
reading the tokenizer and encoding at most COUNTED prompts: about two seconds.
"""

from dataclasses import dataclass
from pathlib import Path

from jz3.graph.sizes import sampled

COUNTED = 1_000
"""The number of prompts to encode (chosen: their mean length is then known to a few per cent)."""
TOKENIZER = "tokenizer.json"


@dataclass(frozen=True)
class Counted:
    """The number of encoded prompts, and the mean number of their tokens."""

    prompts: int
    mean: float


def local_tokenizer(model: str, revision: str | None) -> Path | None:
    """The tokenizer file of a directory or of a hub model; None if it is not on this machine."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    file = Path(model) / TOKENIZER
    if file.is_file():
        return file
    try:
        cached = try_to_load_from_cache(model, TOKENIZER, revision=revision)
    except HFValidationError:  # a provider's own name, such as accounts/x/models/y
        return None
    return Path(cached) if isinstance(cached, str) else None


def count_tokens(tokenizer: Path, prompts: Path, form: str) -> Counted:
    """Count tokens in at most COUNTED prompts, spread evenly over a table; `form` is `full` or `compact`."""
    from tokenizers import Tokenizer

    texts = sampled(prompts, [form], COUNTED).get_column(form).to_list()
    encodings = Tokenizer.from_file(str(tokenizer)).encode_batch_fast(texts)
    return Counted(len(texts), sum(len(encoding.ids) for encoding in encodings) / max(len(texts), 1))
