"""The engine writes what the model says, and a row's text depends on its prompt, seed and sampling alone.

If these laws fail, a resumed or regrouped run gives different problems from one that was not stopped.
"""

import pytest
import torch

from jz3.core.artifacts import InDir
from jz3.generation.engine import (
    OWN_BATCHES,
    Generated,
    GenerationRequest,
    Sampling,
    text_in_other_batches,
    text_in_same_batches,
)
from jz3.generation.engines import open_engine
from jz3.tables.model_manifest import ModelManifest
from tests.generation.builders import execution, tiny_model

PROMPTS = ["a", "What is 2 + 2?", "Let x be a number.", "ab", "Zahlen: äöü", "12345", "The end", "q" * 30]
REQUESTS = [GenerationRequest(prompt, seed) for seed, prompt in enumerate(PROMPTS)]
FREE = Sampling(temperature=1, top_p=1, max_tokens=24, stop=[])
GREEDY = Sampling(temperature=0, top_p=1, max_tokens=24, stop=[])


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return InDir(ModelManifest, tiny_model(tmp_path_factory.mktemp("model")))


def write(model, requests, sampling, batch=4) -> list[Generated]:
    with open_engine("transformers", model, "saved", execution(generation_batch=batch)) as engine:
        return engine.generate(requests, sampling)


@pytest.mark.parametrize(
    "sampling", [FREE, FREE.model_copy(update={"top_p": 0.9, "temperature": 0.8}), GREEDY]
)
def test_a_rows_text_does_not_depend_on_the_batch(model, sampling):
    alone = [write(model, [request], sampling, batch=1)[0] for request in REQUESTS]
    assert write(model, REQUESTS, sampling, batch=3) == alone
    assert write(model, REQUESTS[::-1], sampling, batch=8)[::-1] == alone
    assert len({row.text for row in alone}) == len(alone)


def test_in_bfloat16_the_same_batch_gives_the_same_text(tmp_path_factory):
    """In another batch the text may differ, as the manifest says: this tests only that claim."""
    half = InDir(ModelManifest, tiny_model(tmp_path_factory.mktemp("half"), dtype="bfloat16"))
    with open_engine("transformers", half, "saved", execution()) as engine:
        assert engine.identity["dtype"] == "bfloat16"
    requests = REQUESTS * 4
    assert write(half, requests, FREE, batch=8) == write(half, requests, FREE, batch=8)
    others = write(half, requests, FREE, batch=3)
    assert [row.prompt_tokens for row in others] == [len(request.prompt.encode()) for request in requests]


@pytest.mark.parametrize(
    ("engine", "dtype", "same", "other"),
    [
        ("transformers", "float32", "the same", "the same but for draws within the rounding of float32"),
        ("transformers", "bfloat16", "the same", "differs where the rounding of bfloat16 decides a draw"),
        ("vllm", "float32", OWN_BATCHES, "the same but for draws within the rounding of float32"),
        ("openai", "bfloat16", OWN_BATCHES, "differs where the rounding of bfloat16 decides a draw"),
    ],
)
def test_the_manifest_says_of_each_engine_and_dtype_what_is_claimed(engine, dtype, same, other):
    identity = {"engine": engine, "model": "m", "dtype": dtype}
    assert (text_in_same_batches(identity), text_in_other_batches(identity)) == (same, other)


def test_a_rows_text_depends_on_its_seed(model):
    first, again, other = write(model, [GenerationRequest("a", seed) for seed in (1, 1, 2)], FREE)
    assert first == again != other


def test_greedy_text_is_that_of_generate(model):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    bare = AutoModelForCausalLM.from_pretrained(model.path)
    tokenizer = AutoTokenizer.from_pretrained(model.path)
    for request, ours in zip(REQUESTS, write(model, REQUESTS, GREEDY), strict=True):
        tokens = torch.tensor([tokenizer(request.prompt)["input_ids"]])
        written = bare.generate(tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=24)
        theirs = written[0, tokens.shape[1] :]
        assert ours.text == tokenizer.decode(theirs, skip_special_tokens=True)
        assert ours.completion_tokens == len(theirs)


def test_a_stop_string_ends_a_row_and_is_not_in_its_text(model):
    tried = 0
    for request, row in zip(REQUESTS, write(model, REQUESTS, FREE), strict=True):
        slices = [row.text[at : at + size] for size in (1, 2, 3) for at in range(2, len(row.text) - 6)]
        for stop in [text for text in slices if "\ufffd" not in text][::4]:  # one of them is half a character
            (stopped,) = write(model, [request], FREE.model_copy(update={"stop": ["never written", stop]}))
            assert stopped.text == row.text[: row.text.index(stop)]
            assert stopped.finish_reason == "stop"
            assert stopped.completion_tokens < row.completion_tokens
            tried += 1
    assert tried > 10


def test_the_end_token_ends_a_row_and_max_tokens_cut_it(model):
    rows = write(model, [GenerationRequest("a", seed) for seed in range(300)], FREE, batch=100)
    ended = [row for row in rows if row.finish_reason == "stop"]
    assert 0 < len(ended) < 300
    assert all("<end>" not in row.text for row in rows)
    assert all(row.completion_tokens == 24 for row in rows if row.finish_reason == "length")
    assert min(row.completion_tokens for row in ended) < 24


def test_the_context_of_the_model_bounds_a_row(model):
    sampling = GREEDY.model_copy(update={"max_tokens": 1000})
    requests = [GenerationRequest("x" * length, 0) for length in (60, 64, 200)]
    nearly, full, longer = write(model, requests, sampling)
    assert (nearly.prompt_tokens, nearly.completion_tokens, nearly.finish_reason) == (60, 4, "length")
    assert full == Generated("", "length", 64, 0)
    assert longer == Generated("", "length", 200, 0)


def test_special_tokens_in_a_prompt_are_text(model):
    (row,) = write(model, [GenerationRequest("a<end>b", 0)], FREE)
    assert row.prompt_tokens == len("a<end>b")
