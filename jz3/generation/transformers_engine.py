"""Engine `transformers`: our own loop over the model's forward pass, for CPUs and small GPUs.

Prompts are padded on the left, in batches of similar length; a row's draws come from its own seed
(drawing.py); finished rows leave the batch and its cache. With float32 the text of a row differs between
batches only if a draw falls within rounding of the border between two tokens; with bfloat16 more often.

Shapes: B rows, T tokens so far.
"""
# ruff: noqa: N806 (names of tensors end in their shape)

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from jz3.core.execution import Execution
from jz3.generation.drawing import draw, uniforms
from jz3.generation.engine import Generated, GenerationRequest, ModelSource, Sampling
from jz3.generation.prompts import encode_prompts
from jz3.generation.reserved_cache import reserve_ahead
from jz3.generation.stops import Decoder

log = logging.getLogger(__name__)


@dataclass
class Row:
    """A completion in progress."""

    place: int
    """Its position among the requests."""
    prompt: list[int]
    seed: int
    room: int
    """Tokens it may draw."""
    tokens: list[int] = field(default_factory=list[int])
    stopped: bool = False

    @property
    def done(self) -> bool:
        return self.stopped or len(self.tokens) >= self.room


class TransformersEngine:
    """A causal language model of transformers; the first `generate` loads it."""

    def __init__(self, source: ModelSource, execution: Execution) -> None:
        self._source = source
        self._execution = execution
        self._model: Any = None
        self._tokenizer: Any = None

    @property
    def identity(self) -> dict[str, str]:
        return {"engine": "transformers", "model": self._source.digest, "dtype": self._source.dtype}

    def generate(self, requests: Sequence[GenerationRequest], sampling: Sampling) -> list[Generated]:
        """A completion for each request, in order."""
        self._load()
        rows = self._rows(requests, sampling)
        decoder = Decoder(self._tokenizer, sampling.stop)
        open_rows = sorted((row for row in rows if not row.done), key=lambda row: -len(row.prompt))
        size = self._execution.generation_batch
        for start in range(0, len(open_rows), size):
            self._write(open_rows[start : start + size], sampling, decoder)
        return [
            Generated(
                text=decoder.text(row.tokens),
                finish_reason="stop" if row.stopped else "length",
                prompt_tokens=len(row.prompt),
                completion_tokens=len(row.tokens),
            )
            for row in rows
        ]

    def close(self) -> None:
        self._model = self._tokenizer = None
        if self._execution.device == "cuda":
            torch.cuda.empty_cache()

    def _load(self) -> None:
        if self._model is not None:
            return
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        if self._execution.device == "cpu":
            torch.set_num_threads(self._execution.threads)
        source = self._source
        model: Any = AutoModelForCausalLM.from_pretrained(
            source.path,
            dtype=getattr(torch, source.dtype),
            trust_remote_code=False,
        )
        self._model = model.to(self._execution.device).eval()
        self._tokenizer = AutoTokenizer.from_pretrained(source.path, trust_remote_code=False)

    def _rows(self, requests: Sequence[GenerationRequest], sampling: Sampling) -> list[Row]:
        prompts = encode_prompts(self._tokenizer, [request.prompt for request in requests])
        context = int(self._model.config.max_position_embeddings)
        return [
            Row(place, prompt, request.seed, min(sampling.max_tokens, context - len(prompt)))
            for place, (request, prompt) in enumerate(zip(requests, prompts, strict=True))
        ]

    @torch.inference_mode()
    def _write(self, rows: list[Row], sampling: Sampling, decoder: Decoder) -> None:
        """Draw tokens for a batch until every row is done."""
        device, ends = self._execution.device, self._ends()
        steps = max(row.room for row in rows)
        uniforms_BT = torch.from_numpy(uniforms([row.seed for row in rows], steps)).to(device)
        tokens_BT, attended_BT = _left_padded([row.prompt for row in rows], steps, device)
        width = tokens_BT.shape[1]
        positions_BT = (attended_BT[:, :width].cumsum(-1) - 1).clamp(min=0)
        cache: Any = None
        for step in range(steps):
            output = self._model(
                input_ids=tokens_BT,
                attention_mask=attended_BT[:, : width + step],
                position_ids=positions_BT,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            if cache is None:
                cache = output.past_key_values
                reserve_ahead(cache)
            drawn_B = draw(output.logits[:, -1], uniforms_BT[:, step], sampling.temperature, sampling.top_p)
            for row, token in zip(rows, drawn_B.tolist(), strict=True):
                if not row.done:
                    row.tokens.append(token)
                    row.stopped = token in ends or decoder.stopped(row.tokens)
            tokens_BT, positions_BT = drawn_B[:, None], positions_BT[:, -1:] + 1
            kept = [place for place, row in enumerate(rows) if not row.done]
            if not kept:
                return
            if len(kept) <= len(rows) * KEPT_SHARE:
                kept_B = torch.tensor(kept, device=device)
                cache.batch_select_indices(kept_B)
                rows = [rows[place] for place in kept]
                tokens_BT, positions_BT = tokens_BT[kept_B], positions_BT[kept_B]
                attended_BT, uniforms_BT = attended_BT[kept_B], uniforms_BT[kept_B]

    def _ends(self) -> frozenset[int]:
        """Tokens that end a sequence, according to the model and to its tokenizer."""
        named = self._model.generation_config.eos_token_id
        listed = named if isinstance(named, list) else [named]
        return frozenset(token for token in [*listed, self._tokenizer.eos_token_id] if token is not None)


KEPT_SHARE = 0.75
"""The cache is cut to the open rows when their share falls to this (measured: a cut costs about one step)."""


def _left_padded(prompts: list[list[int]], steps: int, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens of shape (B, longest prompt), and the attention mask up to the last step."""
    width = max(map(len, prompts))
    tokens_BT = torch.zeros(len(prompts), width, dtype=torch.long)
    attended_BT = torch.ones(len(prompts), width + steps, dtype=torch.long)
    for place, prompt in enumerate(prompts):
        tokens_BT[place, width - len(prompt) :] = torch.tensor(prompt)
        attended_BT[place, : width - len(prompt)] = 0
    return tokens_BT.to(device), attended_BT.to(device)
