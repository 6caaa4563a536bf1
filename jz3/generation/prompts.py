"""Prompts as token ids, encoded as in training (jz3/core/text_tokens.py).

A token that the tokenizer adds at the beginning is kept, an end token that it adds is removed, and special
tokens that a text spells out are read as text. A conversation is written by the tokenizer's chat template:
its marks are special tokens, but the content of a turn is text there, too. If the assistant spoke last, the
model continues that turn.
"""

from collections.abc import Sequence
from typing import Any

from jz3.core.errors import UserError
from jz3.core.text_tokens import marked_ids, text_encodings, without_marks
from jz3.generation.engine import Prompt, Turn


def encode_prompts(tokenizer: Any, prompts: Sequence[Prompt]) -> list[list[int]]:  # noqa: ANN401
    """Token ids of each prompt. Raises UserError for a conversation if the model has no chat template."""
    texts = iter(_encode_texts(tokenizer, [prompt for prompt in prompts if isinstance(prompt, str)]))
    return [
        next(texts) if isinstance(prompt, str) else _encode_conversation(tokenizer, prompt)
        for prompt in prompts
    ]


def _encode_conversation(tokenizer: Any, turns: tuple[Turn, ...]) -> list[int]:  # noqa: ANN401
    if not tokenizer.chat_template:
        raise UserError(
            "the model has no chat template; an instruct model was expected. Take the template 'jiuzhang' or "
            "'cot' in answer.prose."
        )
    spoken = [{"role": turn.role, "content": without_marks(tokenizer, turn.content)} for turn in turns]
    begun = spoken.pop()["content"] if turns[-1].role == "assistant" else ""
    written = tokenizer.apply_chat_template(spoken, add_generation_prompt=True, tokenize=False)
    return marked_ids(tokenizer, written + begun)


def _encode_texts(tokenizer: Any, prompts: Sequence[str]) -> list[list[int]]:  # noqa: ANN401
    end = tokenizer.eos_token_id
    encoded = (encoding.ids for encoding in text_encodings(tokenizer, prompts))
    return [tokens[:-1] if tokens[-1:] == [end] else tokens for tokens in encoded]
