"""A base that has read a question completes it, and one that has not does not."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.core.artifacts import InDir
from jz3.core.errors import UserError
from jz3.evaluation.probe import ProbeParams, begins_with, probe, split_question
from jz3.generation.completion_rows import GENERATE
from jz3.generation.engines import open_engine
from jz3.store.row_store import open_store
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.probe import Probe
from tests.evaluation.test_grade import items
from tests.generation.builders import execution, tiny_model

READ = "How many legs have 3 cows and 2 hens?"
UNREAD = "What is the sum of 17 and 25 less 3?"
PARAMS = ProbeParams(engine="transformers", dtype="saved", benchmarks=["b"], shown=0.6, max_tokens=24)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A model over bytes that has read one question until it knows it by heart."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tiny_model(tmp_path_factory.mktemp("base") / "model")
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    batch = tokenizer(READ, return_tensors="pt")["input_ids"]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(60):
        loss = model(batch, labels=batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)
    return InDir(ModelManifest, folder)


def probed(base, questions, store, monkeypatch, **changes):
    monkeypatch.setenv("JZ3_STORE", str(store))
    table = items(["1"] * len(questions)).with_columns(question=pl.Series(questions))
    with open_engine("transformers", base, "saved", execution()) as engine:
        return probe(table, engine, PARAMS.model_copy(update=changes), execution())


def test_what_the_base_has_read_it_completes_and_nothing_else(base, tmp_path, monkeypatch):
    table, metrics = probed(base, [READ, UNREAD, "Why?"], tmp_path, monkeypatch)
    Probe.validate(table)
    assert table.select("item_id", "shown", "rest", "completed").rows() == [
        ("b/0", "How many legs have 3", "cows and 2 hens?", True),
        ("b/1", "What is the sum of 17", "and 25 less 3?", False),
    ]
    assert table["words"][0] == 1
    assert metrics.completed == {"b": 50}
    assert (metrics.rows.read, metrics.rows.kept, metrics.rows.rejected) == (3, 2, {"probe.too_short": 1})
    assert metrics.cut == 0


def test_a_limit_that_is_too_small_is_counted(base, tmp_path, monkeypatch):
    _, metrics = probed(base, [READ], tmp_path, monkeypatch, max_tokens=4)
    assert (metrics.completed, metrics.cut) == ({"b": 0}, 1)


def test_a_second_probe_asks_for_nothing(base, tmp_path, monkeypatch):
    first = probed(base, [READ, UNREAD], tmp_path, monkeypatch)[0]
    stored = len(list(open_store().rows(GENERATE)))
    assert probed(base, [UNREAD, READ], tmp_path, monkeypatch)[0].height == first.height
    assert len(list(open_store().rows(GENERATE))) == stored == 2


def test_a_benchmark_without_items_is_one_line(base, tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"probe\.benchmarks names typo"):
        probed(base, [READ], tmp_path, monkeypatch, benchmarks=["typo"])


@given(st.text(alphabet=st.sampled_from("ab 1?\n\t"), max_size=40), st.floats(0.05, 0.95))
def test_a_question_is_cut_between_words_and_nothing_but_white_space_is_lost(question, share):
    parts = split_question(question, share)
    if parts is not None:
        shown, rest = parts
        assert [*shown.split(), *rest.split()] == question.split()
        assert len(shown) <= share * len(question)


@pytest.mark.parametrize(
    ("text", "rest", "begins"),
    [
        ("of 3 and 4?", "of 3 and 4?", True),
        ("of 3 and 4? The sum is 7.", "of 3 and 4?", True),
        ("of 3 and 4?The sum", "of 3 and 4?", True),
        ("of 35 and", "of 3", False),
        ("of 3", "of 3 and 4?", False),
        ("", "of 3", False),
    ],
)
def test_a_rest_is_there_whole_or_not_at_all(text, rest, begins):
    assert begins_with(text, rest) is begins
