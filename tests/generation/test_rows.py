"""Completions are written once; their keys contain everything that decides them."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.core.artifacts import InDir
from jz3.generation.completion_rows import GENERATE, Keys, generate_rows, generation_key
from jz3.generation.engine import GenerationRequest, Sampling
from jz3.generation.engines import open_engine
from jz3.store.row_store import open_store
from jz3.tables.model_manifest import ModelManifest
from jz3.workers.batch import workers_of
from jz3.workers.crew import open_crew
from tests.generation.builders import execution, tiny_model

SAMPLING = Sampling(temperature=1, top_p=0.9, max_tokens=5, stop=["\n"])


@dataclass
class Name:
    """What a key needs of an engine."""

    identity: dict[str, str] = field(
        default_factory=lambda: {"engine": "e", "model": "m", "dtype": "float32"}
    )

    def generate(self, requests, sampling):
        raise NotImplementedError


def test_the_key_of_a_completion_is_what_it_was():
    """Changed payloads need a new version of the operation, or stored rows are silently lost."""
    assert (GENERATE.name, GENERATE.version) == ("generate", 1)
    key = generation_key(Name(), GenerationRequest("A prompt.", 7), SAMPLING)
    assert key == "7248312c6d685149f70fbc1eeb49d532"


def test_everything_that_decides_a_completion_is_in_its_key():
    request = GenerationRequest("A prompt.", 7)
    keys = [
        generation_key(Name(), request, SAMPLING),
        generation_key(Name({"engine": "e", "model": "n", "dtype": "float32"}), request, SAMPLING),
        generation_key(Name(), GenerationRequest("A prompt", 7), SAMPLING),
        generation_key(Name(), GenerationRequest("A prompt.", 8), SAMPLING),
        *(
            generation_key(Name(), request, SAMPLING.model_copy(update=change))
            for change in ({"temperature": 0.5}, {"top_p": 1.0}, {"max_tokens": 6}, {"stop": []})
        ),
    ]
    assert len(set(keys)) == len(keys)


@given(st.text(st.characters()), st.integers(0, 2**63 - 1))
def test_keys_of_many_prompts_are_those_of_one(prompt, seed):
    assert Keys(Name(), SAMPLING).of(prompt, seed) == generation_key(
        Name(), GenerationRequest(prompt, seed), SAMPLING
    )


def test_a_second_run_writes_nothing_and_a_larger_one_only_the_new_rows(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    model = InDir(ModelManifest, tiny_model(tmp_path / "model"))
    requests = [GenerationRequest(f"prompt {number}", number) for number in range(20)]
    with (
        open_engine("transformers", model, "saved", execution()) as engine,
        open_crew(workers_of(execution())) as crew,
    ):
        small = generate_rows(engine, requests[:10], SAMPLING, execution(), "completions", crew)
        large = generate_rows(engine, requests, SAMPLING, execution(), "completions", crew)
        assert large[:10] == small
        assert large == engine.generate(requests, SAMPLING)
    for path in (tmp_path / "model").glob("*.safetensors"):
        path.unlink()  # anything that needs the weights now fails
    with (
        open_engine("transformers", model, "saved", execution()) as engine,
        open_crew(workers_of(execution())) as crew,
    ):
        assert generate_rows(engine, requests, SAMPLING, execution(), "completions", crew) == large
        with pytest.raises(OSError, match="safetensors"):
            generate_rows(engine, [GenerationRequest("new", 0)], SAMPLING, execution(), "completions", crew)
    assert len(list(open_store().rows(GENERATE))) == 20
