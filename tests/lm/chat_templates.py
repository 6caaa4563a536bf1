"""Chat templates of our own, each in the manner of a family of models."""

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from tests.lm.texts import TEXTS

OPENED = "{% if add_generation_prompt %}<|open|>assistant\n{% endif %}"
MARKED = (
    "{% for turn in messages %}<|open|>{{ turn.role }}\n{{ turn.content }}<|close|>\n{% endfor %}" + OPENED
)
"""Each turn unchanged between marks, followed by a line break."""

TRIMMED = (
    "<|begin|>{% for turn in messages %}<|open|>{{ turn.role }}<|head|>\n\n{{ turn.content | trim }}<|close|>"
    "{% endfor %}{% if add_generation_prompt %}<|open|>assistant<|head|>\n\n{% endif %}"
)
"""A start token of its own; blanks at the ends of a turn are removed."""

ALTERNATING = (
    "<|begin|>{% for turn in messages %}{% if (turn.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('the speakers do not take turns') }}{% endif %}"
    "{% if turn.role == 'user' %}[ask] {{ turn.content }} [/ask]"
    "{% else %} {{ turn.content }}<|close|>{% endif %}"
    "{% endfor %}"
)
"""Question and answer in turn, no system, no opening of an answer: what opens it ends the question."""

SYSTEM = (
    "{% if messages[0].role != 'system' %}<|open|>system\nYou are helpful.<|close|>\n{% endif %}" + MARKED
)
"""A system text of its own if the row has none."""

THINKING = (
    "{% set last = namespace(place=0) %}{% for turn in messages %}{% if turn.role == 'user' %}"
    "{% set last.place = loop.index0 %}{% endif %}{% endfor %}"
    "{% for turn in messages %}{% set said = turn.content %}{% set thought = '' %}"
    "{% if turn.role == 'assistant' and '</think>' in said %}"
    "{% set thought = said.split('</think>')[0].split('<think>')[-1].strip('\n') %}"
    "{% set said = said.split('</think>')[-1].lstrip('\n') %}{% endif %}"
    "<|open|>{{ turn.role }}\n{% if thought and loop.index0 > last.place %}"
    "<think>\n{{ thought }}\n</think>\n\n{% endif %}{{ said }}<|close|>\n{% endfor %}" + OPENED
)
"""Thoughts in answers before the last question are left out."""

TEMPLATES = {
    "marked": MARKED,
    "trimmed": TRIMMED,
    "alternating": ALTERNATING,
    "system": SYSTEM,
    "thinking": THINKING,
}
MARKS = ["<|begin|>", "<|open|>", "<|head|>", "<|close|>", "<|pad|>"]


def speaking(template: str, *, padding: bool = True) -> PreTrainedTokenizerFast:
    """Byte-level, with the marks of chat templates in its vocabulary; `<|close|>` ends what a model
    writes.
    """
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=500, special_tokens=MARKS, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    backend.train_from_iterator(TEXTS, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        eos_token="<|close|>",
        pad_token="<|pad|>" if padding else None,
        clean_up_tokenization_spaces=False,
        additional_special_tokens=MARKS[:3],
    )
    tokenizer.chat_template = template
    return tokenizer
