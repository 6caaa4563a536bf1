"""Only the output and the end token bear loss, whatever the tokenizer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from jz3.lm.encode import IGNORED_LABEL, encode_rows
from jz3.lm.tokenizer import BEGIN, END, train_tokenizer
from tests.lm.texts import TEXTS

NO_LIMIT = 10**6


def metaspace() -> PreTrainedTokenizerFast:
    """Without pad and unk tokens, with words marked at their start: like Llama's first tokenizers."""
    backend = Tokenizer(models.BPE(byte_fallback=True))
    backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    backend.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=400, special_tokens=["<s>", "</s>"]))
    return PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", eos_token="</s>")


def closing() -> PreTrainedTokenizerFast:
    """Byte-level with trimmed offsets, and an end token that the tokenizer appends by itself."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=500, special_tokens=["<e>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    backend.train_from_iterator(TEXTS, trainer)
    backend.post_processor = processors.TemplateProcessing(single="$A <e>", special_tokens=[("<e>", 0)])
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<e>")


TOKENIZERS = {
    "ours": train_tokenizer(TEXTS, 500),
    "metaspace": metaspace(),
    "closing": closing(),
}

# Digits, letters beyond ASCII, blanks, and special tokens spelled out.
texts = st.lists(
    st.sampled_from(["Tom", " has", "12", "3 ", "\n", " é", "数", "𝑥", END, BEGIN, "</s>", "<e>", "  "]),
    min_size=1,
    max_size=12,
).map("".join)


@pytest.mark.parametrize("name", TOKENIZERS)
@given(before=texts, after=texts)
def test_labels_are_exactly_the_tokens_that_start_in_the_output_and_one_end(name, before, after):
    tokenizer = TOKENIZERS[name]
    (row,) = encode_rows(tokenizer, [before], [after], NO_LIMIT)
    assert row is not None
    end = tokenizer.eos_token_id
    assert row.tokens[-1] == row.labels[-1] == end
    assert row.tokens.count(end) == 1
    first = row.labels.count(IGNORED_LABEL)
    assert row.labels == [IGNORED_LABEL] * first + row.tokens[first:]
    # The reference: offsets of every token, one by one.
    backend = tokenizer.backend_tokenizer
    backend.encode_special_tokens = True
    encoding = backend.encode(before + after)
    backend.encode_special_tokens = False
    starts = [start for start, end_ in encoding.offsets if end_ > start]
    specials = len(row.tokens) - 1 - len(starts)
    if name == "ours":
        assert specials == 1  # the begin token
        assert first == 1 + sum(start < len(before) for start in starts)
    if name == "closing":
        assert len(row.tokens) - first - 1 == sum(start >= len(before) for start in starts)


@given(before=texts, after=texts)
def test_a_prompt_that_ends_with_a_line_break_is_read_alone_as_at_the_head_of_its_row(before, after):
    tokenizer = TOKENIZERS["ours"]
    (row,) = encode_rows(tokenizer, [before + "\n"], [after], NO_LIMIT)
    alone = tokenizer((before + "\n").replace(END, "").replace(BEGIN, ""))["input_ids"]
    (clean,) = encode_rows(
        tokenizer, [(before + "\n").replace(END, "").replace(BEGIN, "")], [after], NO_LIMIT
    )
    assert clean.tokens[: len(alone)] == alone
    assert clean.labels.count(IGNORED_LABEL) == len(alone)
    assert row is not None


@given(before=texts, after=texts)
def test_our_tokenizer_gives_every_text_back(before, after):
    tokenizer = TOKENIZERS["ours"]
    (row,) = encode_rows(tokenizer, [before], [after], NO_LIMIT)
    assert tokenizer.decode(row.tokens[1:-1]) == before + after


def test_a_row_is_over_long_by_its_tokens_with_the_end_token():
    tokenizer = TOKENIZERS["ours"]
    (row,) = encode_rows(tokenizer, ["Tom has 3"], [" apples"], NO_LIMIT)
    size = len(row.tokens)
    assert encode_rows(tokenizer, ["Tom has 3"], [" apples"], size) == [row]
    assert encode_rows(tokenizer, ["Tom has 3", "A"], [" apples", "B"], size - 1)[0] is None


def test_a_batch_gives_what_its_rows_give_alone():
    tokenizer = TOKENIZERS["ours"]
    alone = [encode_rows(tokenizer, [text], [text], NO_LIMIT)[0] for text in TEXTS]
    assert encode_rows(tokenizer, TEXTS, TEXTS, NO_LIMIT) == alone


def test_digits_and_line_breaks_are_tokens_of_their_own():
    tokenizer = TOKENIZERS["ours"]
    pieces = tokenizer.tokenize("has 120\n\n    return 3.5\n")
    digits = [piece for piece in pieces if any(character.isdigit() for character in piece)]
    assert digits == ["1", "2", "0", "3", "5"]
    breaks = [piece for piece in pieces if "Ċ" in piece]
    assert breaks == ["Ċ"] * 3
    assert "Ġreturn" in pieces
