"""Packing of a training set: order, parts and accounts. The laws of blocks are in tests/lm/test_blocks.py."""

import shutil

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.core.artifacts import In, InDir, Out, OutDir
from jz3.core.errors import UserError
from jz3.lm.blocks import open_blocks
from jz3.lm.encode import encode_rows
from jz3.lm.model import load_tokenizer, save_tokenizer
from jz3.lm.tokenizer import train_tokenizer
from jz3.tables.blocks_manifest import BlocksManifest
from jz3.tables.training_row import TrainingRow
from jz3.training.base import ConfigModel, build
from jz3.training.pack import PackParams, pack
from jz3.training.row_texts import RowForm
from tests.lm.chat_templates import TEMPLATES, speaking
from tests.lm.texts import TEXTS
from tests.two_turns import two_turns

LENGTH = 64
PLAIN = {"turns": "plain", "earlier_thoughts": "kept"}
PARAMS = PackParams.model_validate(
    {"block_length": LENGTH, "window_rows": 8, "held_out_share": 0.0, "seed": 0, "form": PLAIN}
)


@pytest.fixture(scope="module")
def base_model(tmp_path_factory):
    directory = tmp_path_factory.mktemp("base")
    config = ConfigModel(
        kind="config", hidden_size=32, layers=2, heads=2, mlp=64, seed=0, max_positions=128, training=None
    )
    build(config, train_tokenizer(TEXTS, 350), directory)
    return directory


def training_set(path, pretrain: list[int], instruction: list[int]) -> In[TrainingRow]:
    """Rows whose outputs hold the given numbers of words; each starts with its own position."""
    parts = ["pretrain"] * len(pretrain) + ["instruction"] * len(instruction)
    words = [*pretrain, *instruction]
    count = len(words)
    rows = pl.DataFrame(
        {
            "position": range(count),
            "row_id": [f"r{n}" for n in range(count)],
            "part": parts,
            "source": ["web"] * count,
            "level": ["grade"] * count,
            "kind": ["cot"] * count,
            "turns": [two_turns(f"{n}", " apples" * number) for n, number in enumerate(words)],
            "input": [f"## Question\n{n}\n\n## Solution\n" for n in range(count)],
            "output": [" apples" * number for number in words],
        },
        schema_overrides={"position": pl.Int64},
    )
    Out(TrainingRow, path).write(TrainingRow.validate(rows, cast=True))
    return In(TrainingRow, path)


def packed(training, base_model, root, params=PARAMS):
    out = OutDir(BlocksManifest, root / "blocks")
    with out.open() as directory:
        metrics = pack(training, base_model, directory, params)
    return metrics, InDir(BlocksManifest, out.path).manifest(), open_blocks(out.path)


def positions_of(blocks, tokenizer) -> list[list[int]]:
    """For each block, the positions of its rows in the training order."""
    found = []
    for tokens, documents in zip(blocks.tokens, blocks.documents, strict=True):
        texts = [
            tokenizer.decode(tokens[documents == number], skip_special_tokens=True)
            for number in range(1, documents.max() + 1)
        ]
        found.append([int(text.split("\n")[1]) for text in texts])
    return found


words = st.lists(st.integers(1, 30), max_size=25)


@given(words, words)
@settings(max_examples=20, deadline=None)
def test_every_row_is_in_one_block_parts_apart_and_windows_in_order(
    base_model, tmp_path_factory, pretrain, instruction
):
    root = tmp_path_factory.mktemp("pack")
    metrics, manifest, blocks = packed(
        training_set(root / "mix.parquet", pretrain, instruction), base_model, root
    )
    tokenizer = load_tokenizer(base_model)
    places = positions_of(blocks, tokenizer)
    assert sorted(place for block in places for place in block) == list(
        range(len(pretrain) + len(instruction))
    )
    first = manifest.first_instruction_block
    assert all(place < len(pretrain) for block in places[:first] for place in block)
    assert all(place >= len(pretrain) for block in places[first:] for place in block)
    windows = [{place // PARAMS.window_rows for place in block} for block in places]
    assert all(len(window) == 1 for window in windows)
    assert [max(window) for window in windows] == sorted(max(window) for window in windows)
    assert metrics.tokens == manifest.tokens == (blocks.documents > 0).sum()
    assert manifest.label_tokens == (blocks.labels != manifest.padding_label).sum()
    assert manifest.blocks == len(blocks)


def test_labels_and_tokens_are_those_of_the_row_alone(base_model, tmp_path):
    training = training_set(tmp_path / "mix.parquet", [3], [])
    _, _, blocks = packed(training, base_model, tmp_path)
    rows = training.read()
    (row,) = encode_rows(
        load_tokenizer(base_model), rows["input"].to_list(), rows["output"].to_list(), LENGTH
    )
    size = len(row.tokens)
    assert blocks.tokens[0, :size].tolist() == row.tokens
    assert blocks.labels[0, :size].tolist() == row.labels


def test_over_long_rows_are_rejected_by_their_rule(base_model, tmp_path):
    training = training_set(tmp_path / "mix.parquet", [3, 500, 4], [500, 2])
    metrics, manifest, _ = packed(training, base_model, tmp_path)
    assert metrics.rows.rejected == {"pack.too_long": 2}
    assert metrics.rows.kept == manifest.rows == 3


def test_rows_in_the_chat_template_of_the_base_and_those_that_it_refuses(base_model, tmp_path):
    shutil.copytree(base_model, tmp_path / "base")
    save_tokenizer(tmp_path / "base", speaking(TEMPLATES["alternating"]))
    training = training_set(tmp_path / "mix.parquet", [3, 500, 2, 4], [1])
    asked_twice = [{"role": "user", "text": "Why?", "learn": False}, *two_turns("Tom has 3", "12")]
    rows = training.read()
    turns = pl.Series([asked_twice, *rows["turns"].to_list()[1:]], dtype=rows.schema["turns"])
    Out(TrainingRow, training.path).write(rows.with_columns(turns=turns))
    params = PARAMS.model_copy(update={"form": RowForm(turns="chat", earlier_thoughts="kept")})
    metrics, manifest, blocks = packed(training, tmp_path / "base", tmp_path, params)
    assert metrics.rows.rejected == {"pack.not_templated": 1, "pack.too_long": 1}
    assert manifest.form == {"turns": "chat", "earlier_thoughts": "kept"}
    tokenizer = load_tokenizer(tmp_path / "base")
    learnt = tokenizer.decode(blocks.labels[blocks.labels >= 0].tolist())
    assert learnt == " apples apples<|close|> apples apples apples apples<|close|> apples<|close|>"
    assert "[ask] 2 [/ask]  apples" in tokenizer.decode(blocks.tokens[blocks.documents > 0].tolist())


def test_two_runs_leave_the_same_bytes(base_model, tmp_path):
    training = training_set(tmp_path / "mix.parquet", [3, 9, 4, 12] * 5, [7, 2] * 4)
    packed(training, base_model, tmp_path / "one")
    packed(training, base_model, tmp_path / "other")
    names = [file.name for file in (tmp_path / "one" / "blocks").iterdir() if file.is_file()]
    assert len(names) == 6
    for name in names:
        one, other = (tmp_path / run / "blocks" / name for run in ("one", "other"))
        assert one.read_bytes() == other.read_bytes()


def test_an_instruction_row_before_a_pre_training_row_is_refused(base_model, tmp_path):
    training = training_set(tmp_path / "mix.parquet", [3] * 20, [3] * 2)
    rows = training.read().with_columns(position=21 - pl.col("position"))
    Out(TrainingRow, training.path).write(rows)
    with pytest.raises(UserError, match=r"row 8 of .* is a pre-training row behind an instruction row"):
        packed(training, base_model, tmp_path)


def test_held_out_rows_are_in_no_block_and_grouped_by_source_and_kind(base_model, tmp_path):
    params = PARAMS.model_copy(update={"held_out_share": 0.3})
    training = training_set(tmp_path / "mix.parquet", [3] * 40, [5] * 20)
    rows = training.read().with_columns(
        source=pl.when(pl.col("position") % 2 == 0).then(pl.lit("web")).otherwise(pl.lit("wiki"))
    )
    Out(TrainingRow, training.path).write(rows)
    metrics, manifest, blocks = packed(training, base_model, tmp_path, params)
    held_out = open_blocks(tmp_path / "blocks" / "held_out")
    apart = {
        group.source: set(held_out.part(group.first_block, group.first_block + group.blocks).rows.tolist())
        for group in manifest.held_out
    }
    assert set(apart) == {"web", "wiki"}
    assert all(place % 2 == (source == "wiki") for source, places in apart.items() for place in places)
    assert [len(places) for places in apart.values()] == [group.rows for group in manifest.held_out]
    kept = set(blocks.rows.tolist())
    assert kept | apart["web"] | apart["wiki"] == set(range(60))
    assert not kept & (apart["web"] | apart["wiki"])
    assert metrics.rows.rejected == {"pack.held_out": 60 - len(kept)}
    assert 8 < 60 - len(kept) < 30


def test_a_larger_training_set_keeps_what_was_held_out(base_model, tmp_path):
    params = PARAMS.model_copy(update={"held_out_share": 0.3})
    apart = []
    for name, size in (("small", 20), ("large", 40)):
        root = tmp_path / name
        root.mkdir()
        packed(training_set(root / "mix.parquet", [3] * size, []), base_model, root, params)
        apart.append({row for row in open_blocks(root / "blocks" / "held_out").rows.tolist() if row < 20})
    assert apart[0] == apart[1] != set()


def test_the_rows_of_a_block_are_named(base_model, tmp_path):
    training = training_set(tmp_path / "mix.parquet", [3, 500, 9, 2] * 5, [4] * 9)
    _, _, blocks = packed(training, base_model, tmp_path)
    places = positions_of(blocks, load_tokenizer(base_model))
    assert [blocks.rows_of(number).tolist() for number in range(len(blocks))] == places
