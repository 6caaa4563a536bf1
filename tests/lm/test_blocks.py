"""Laws of packing.

Every token once, no block over its length, documents apart: a model's loss on packed blocks is its loss on
the same documents one by one. If the isolation broke, the only symptom would be worse models.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import LlamaConfig, LlamaForCausalLM

from jz3.core.errors import UserError
from jz3.lm.blocks import Blocks, BlockWriter, best_fit, blocks_digest, open_blocks, pack_flat, pack_rows
from jz3.lm.encode import IGNORED_LABEL, EncodedRow, FlatRows

LENGTH = 24
PADDING = 0

row_lists = st.lists(st.lists(st.booleans(), min_size=1, max_size=LENGTH), min_size=1, max_size=60)


def rows_of(shapes: list[list[bool]]) -> list[EncodedRow]:
    """Rows whose tokens all differ from one another; `shapes` says which of them bear loss."""
    rows, start = [], 1
    for learnt in shapes:
        tokens = list(range(start, start + len(learnt)))
        labels = [token if is_ else IGNORED_LABEL for token, is_ in zip(tokens, learnt, strict=True)]
        rows.append(EncodedRow(tokens, labels))
        start += len(learnt)
    return rows


def documents_of(blocks: Blocks) -> list[tuple[list[int], list[int], list[int]]]:
    """(tokens, labels, positions) of each document of each block."""
    arrays = (blocks.tokens, blocks.labels, blocks.positions)
    return [
        tuple(array[block][numbers == number].tolist() for array in arrays)
        for block, numbers in enumerate(blocks.documents)
        for number in range(1, numbers.max() + 1)
    ]  # fmt: skip


@given(row_lists)
def test_each_row_is_one_document_of_one_block_with_positions_from_zero(shapes):
    rows = rows_of(shapes)
    documents = documents_of(pack_rows(dict(enumerate(rows)), LENGTH, PADDING))
    expected = [(row.tokens, [IGNORED_LABEL, *row.labels[1:]], list(range(len(row.tokens)))) for row in rows]
    assert sorted(documents) == sorted(expected)


@given(row_lists)
def test_padding_has_no_label_and_is_a_document_of_its_own(shapes):
    blocks = pack_rows(dict(enumerate(rows_of(shapes))), LENGTH, PADDING)
    padding = blocks.documents == 0
    assert (blocks.tokens[padding] == PADDING).all()
    assert (blocks.labels[padding] == IGNORED_LABEL).all()
    for positions, is_padding in zip(blocks.positions, padding, strict=True):
        assert positions[is_padding].tolist() == list(range(is_padding.sum()))


@given(st.lists(st.integers(1, 30), max_size=80))
def test_best_fit_equals_the_rule_stated_row_by_row(lengths):
    bins = best_fit(np.array(lengths, np.int64), 30)
    assert fills_by_hand(lengths, 30) == sorted(
        sum(length for length, bin_ in zip(lengths, bins, strict=True) if bin_ == number)
        for number in set(bins.tolist())
    )


def fills_by_hand(lengths: list[int], capacity: int) -> list[int]:
    rooms: list[int] = []
    for length in sorted(lengths, reverse=True):
        fitting = [room for room in rooms if room >= length]
        room = min(fitting, default=capacity)
        if fitting:
            rooms.remove(room)
        rooms.append(room - length)
    return sorted(capacity - room for room in rooms)


def test_rows_of_like_lengths_to_real_ones_fill_blocks_to_99_per_cent():
    lengths = np.random.default_rng(0).gamma(4.0, 120.0, 20_000).astype(np.int64).clip(16, 2048)
    assert lengths.sum() / (2048 * (best_fit(lengths, 2048).max() + 1)) > 0.99


@given(row_lists)
def test_blocks_come_in_the_order_of_their_first_rows(shapes):
    firsts = pack_rows(dict(enumerate(rows_of(shapes))), LENGTH, PADDING).tokens[:, 0]
    assert (np.diff(firsts) > 0).all()  # the tokens of rows_of rise from row to row


@given(st.lists(row_lists, max_size=3))
@settings(max_examples=30)
def test_blocks_are_the_same_when_read_from_disk(tmp_path_factory, windows):
    directory = tmp_path_factory.mktemp("blocks")
    packed = [pack_rows(dict(enumerate(rows_of(shapes))), LENGTH, PADDING) for shapes in windows]
    with BlockWriter(directory, LENGTH) as writer:
        for blocks in packed:
            writer.write(blocks)
    read = open_blocks(directory)
    assert len(read) == sum(map(len, packed))
    for name in ("tokens", "labels", "positions", "documents"):
        parts = [getattr(blocks, name) for blocks in packed]
        assert np.array_equal(getattr(read, name), np.concatenate([np.empty((0, LENGTH), np.int32), *parts]))
    assert read.label_tokens == (read.labels != IGNORED_LABEL).sum()
    assert blocks_digest(read) == blocks_digest(read.part(0, len(read)))


@given(row_lists, st.data())
@settings(max_examples=50)
def test_chosen_blocks_are_those_blocks_in_the_order_asked(shapes, data):
    blocks = pack_rows(dict(enumerate(rows_of(shapes))), LENGTH, PADDING)
    some = data.draw(st.lists(st.integers(0, len(blocks) - 1), max_size=5))
    found = blocks.chosen(np.array(some, np.int64))
    for name in ("tokens", "labels", "positions", "documents"):
        assert np.array_equal(getattr(found, name), getattr(blocks, name)[some])
    assert [found.rows_of(place).tolist() for place in range(len(some))] == [
        blocks.rows_of(block).tolist() for block in some
    ]
    first = min(some, default=0)
    part = blocks.part(first, len(blocks))
    assert np.array_equal(part.documents, blocks.documents[first:])
    assert np.array_equal(part.labels, blocks.labels[first:])


def test_blocks_take_at_most_four_and_a_half_bytes_a_token(tmp_path):
    lengths = np.random.default_rng(0).gamma(4.0, 120.0, 2_000).astype(np.int64).clip(16, 2048)
    tokens = int(lengths.sum())
    rows = FlatRows(np.ones(tokens, np.int32), np.ones(tokens, np.bool_), lengths, np.arange(len(lengths)))
    with BlockWriter(tmp_path, 2048) as writer:
        for blocks in pack_flat(rows, 2048, PADDING):
            writer.write(blocks)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 4.5 * tokens


def test_blocks_of_another_version_are_refused_by_what_they_lack(tmp_path):
    np.save(tmp_path / "tokens.npy", np.zeros((1, LENGTH), np.int32))
    with pytest.raises(UserError, match=r"lacks learnt.npy, lengths.npy, rows.npy, row_starts.npy"):
        open_blocks(tmp_path)


def tiny_model(attention: str) -> LlamaForCausalLM:
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=64, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    config._attn_implementation = attention
    model = LlamaForCausalLM(config).eval()
    model.config.use_cache = False
    return model


def summed_loss(model, tokens, labels, positions=None) -> torch.Tensor:
    inputs = {} if positions is None else {"position_ids": torch.as_tensor(positions).long()}
    logits = model(input_ids=torch.as_tensor(tokens).long(), **inputs).logits
    targets = torch.as_tensor(labels).long()[:, 1:]
    return torch.nn.functional.cross_entropy(
        logits[:, :-1].flatten(0, 1), targets.flatten(), reduction="sum", ignore_index=IGNORED_LABEL
    )


SHAPES = [(9, 4), (5, 1), (12, 3), (7, 7), (3, 0), (11, 5), (1, 0), (20, 6)]


def small_rows() -> list[EncodedRow]:
    generator = np.random.default_rng(3)
    rows = []
    for length, masked in SHAPES:
        tokens = generator.integers(1, 64, length).tolist()
        rows.append(EncodedRow(tokens, [IGNORED_LABEL] * masked + tokens[masked:]))
    return rows


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_loss_and_gradients_of_packed_blocks_are_those_of_the_documents_one_by_one(attention):
    model, blocks = tiny_model(attention), pack_rows(dict(enumerate(small_rows())), LENGTH, PADDING)
    packed = summed_loss(model, blocks.tokens, blocks.labels, blocks.positions)
    packed_gradients = torch.autograd.grad(packed, list(model.parameters()))
    alone = sum(summed_loss(model, [row.tokens], [row.labels]) for row in small_rows())
    alone_gradients = torch.autograd.grad(alone, list(model.parameters()))
    assert max(blocks.documents.max(axis=1)) > 1, "no block holds two documents: nothing was tested"
    torch.testing.assert_close(packed, alone, rtol=1e-5, atol=1e-5)
    for one, other in zip(packed_gradients, alone_gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_the_loss_of_a_packed_dialogue_is_that_of_the_dialogue_alone():
    generator = np.random.default_rng(4)
    rows = []
    for length, learnt in ((9, [(2, 4), (6, 9)]), (11, [(0, 3), (5, 6), (8, 10)]), (4, [(1, 3)]), (6, [])):
        tokens = generator.integers(1, 64, length).tolist()
        labels = [IGNORED_LABEL] * length
        for first, end in learnt:
            labels[first:end] = tokens[first:end]
        rows.append(EncodedRow(tokens, labels))
    model, blocks = tiny_model("sdpa"), pack_rows(dict(enumerate(rows)), LENGTH, PADDING)
    assert max(blocks.documents.max(axis=1)) > 1, "no block holds two documents: nothing was tested"
    packed = summed_loss(model, blocks.tokens, blocks.labels, blocks.positions)
    alone = sum(summed_loss(model, [row.tokens], [row.labels]) for row in rows)
    torch.testing.assert_close(packed, alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_another_first_document_leaves_the_logits_of_the_second_alone(attention):
    model, blocks = tiny_model(attention), pack_rows(dict(enumerate(small_rows())), LENGTH, PADDING)
    second = blocks.documents == 2
    changed = np.where(blocks.documents == 1, (blocks.tokens + 7) % 64, blocks.tokens)
    positions = torch.as_tensor(blocks.positions).long()
    with torch.no_grad():
        before = model(input_ids=torch.as_tensor(blocks.tokens).long(), position_ids=positions).logits[second]
        after = model(input_ids=torch.as_tensor(changed).long(), position_ids=positions).logits[second]
        leaking = model(input_ids=torch.as_tensor(changed).long()).logits[second]
    torch.testing.assert_close(before, after, rtol=0, atol=1e-5)
    assert (leaking - before).abs().max() > 1e-2, "the measure cannot tell isolated from leaking documents"
