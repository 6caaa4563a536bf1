"""A tiny model with random weights, and an execution for it."""

import json
from pathlib import Path

from jz3.core.execution import Execution
from jz3.tables.model_manifest import ModelManifest
from tests import executions

EXECUTION = executions.execution(
    generation_batch=4,
    generation_commit=8,
    concurrency=16,
    requests_per_minute=1_000_000,
    tokens_per_minute=1_000_000_000,
    timeout_s=2,
    retries=4,
)


def execution(**changes) -> Execution:
    return EXECUTION.model_copy(update=changes)


CHAT_TEMPLATE = (
    "{% for turn in messages %}<{{ turn.role }}>{{ turn.content }}<end>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
"""Marks before each turn and the end token after it; `<user>` and `<assistant>` are special tokens."""


def tiny_model(
    directory: Path, *, context: int = 64, hidden: int = 32, chat: bool = False, dtype: str = "float32"
) -> Path:
    """A Llama over bytes: token 0 pads, token 1 ends, the others are the 256 bytes, plus two marks if it can
    `chat`. On a CPU, vLLM has no attention for heads below 32 numbers (hidden 128).
    """
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {"<pad>": 0, "<end>": 1} | {letter: 2 + place for place, letter in enumerate(alphabet)}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<end>", pad_token="<pad>")
    if chat:
        tokenizer.add_special_tokens({"additional_special_tokens": ["<user>", "<assistant>"]})
        tokenizer.chat_template = CHAT_TEMPLATE
    torch.manual_seed(1)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=hidden,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            intermediate_size=64,
            max_position_embeddings=context,
            initializer_range=0.3,  # sharp enough for the preceding text to matter
            eos_token_id=1,
            pad_token_id=0,
        )
    )
    model.to(getattr(torch, dtype)).save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    manifest = ModelManifest(
        hub=None,
        digest="0" * 32,
        tokenizer_digest="1" * 32,
        parameters=model.num_parameters(),
        made_by="base",
        steps=0,
        tokens=0,
        prompt_form="compact",
        libraries={},
    )
    (directory / "manifest.json").write_text(json.dumps(manifest.model_dump()))
    return directory
