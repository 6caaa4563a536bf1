"""Vectors of texts from a sentence encoder of the hub: the mean of its last hidden states over the tokens.

A text is cut at `max_tokens`. Costs a forward pass of the encoder; nothing is stored.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jz3.core.errors import UserError


class SentenceEncoder:
    """An encoder that is loaded once. Raises UserError if the folder holds none."""

    def __init__(self, folder: Path, origin: str, max_tokens: int, device: str, batch: int) -> None:
        from transformers import AutoModel, AutoTokenizer

        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
            model: Any = AutoModel.from_pretrained(folder, trust_remote_code=False)
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split())[:300]
            raise UserError(
                f"model {origin} cannot be used ({reason}); an encoder with its tokenizer was expected. "
                f"Name another in the parameters, or fetch it again."
            ) from error
        self._model = model.eval().to(device)
        self._max_tokens, self._device, self._batch = max_tokens, device, batch

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """[texts, hidden size], each row of length 1."""
        parts = [self._encoded(texts[at : at + self._batch]) for at in range(0, len(texts), self._batch)]
        return np.concatenate([np.zeros((0, self._model.config.hidden_size), np.float32), *parts])

    def _encoded(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import torch

        read = self._tokenizer(
            list(texts), padding=True, truncation=True, max_length=self._max_tokens, return_tensors="pt"
        ).to(self._device)
        with torch.inference_mode():
            hidden = self._model(**read).last_hidden_state.float()
        mask = read["attention_mask"].unsqueeze(-1).float()
        mean = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1)
        return torch.nn.functional.normalize(mean, dim=-1).cpu().numpy()
