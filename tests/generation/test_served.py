"""A model behind a server writes what it writes here, and a server with another model writes no row."""

import pytest

from jz3.core.artifacts import InDir
from jz3.core.errors import UserError
from jz3.generation.engine import GenerationRequest, Sampling
from jz3.generation.engines import open_engine
from jz3.generation.rows import GENERATE, generate_rows
from jz3.store.rows import open_store
from jz3.tables.model_manifest import ModelManifest
from jz3.text.problem_text import Unusable, read_completion
from jz3.workers.batch import workers_of
from jz3.workers.crew import open_crew
from tests.generation.builders import execution, tiny_model
from tests.generation.completions_server import serving

DIGEST = "0" * 32
REQUESTS = [GenerationRequest(f"Write problem {n}{'.' * (n % 9)}", n) for n in range(12)]
FREE = Sampling(temperature=0.8, top_p=0.95, max_tokens=24, stop=[])
ASKED = execution(requests_per_minute=1_000_000, tokens_per_minute=1_000_000_000, timeout_s=20)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return InDir(ModelManifest, tiny_model(tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def address(model):
    with serving(model.path, DIGEST) as url:
        yield url


@pytest.fixture(autouse=True)
def _surroundings(address, tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    monkeypatch.setattr("jz3.generation.pace.FIRST_WAIT_S", 0.02)


def write(engine_name, model, requests, sampling):
    with open_engine(engine_name, model, ASKED) as engine:
        return engine.generate(requests, sampling)


@pytest.mark.parametrize(
    "change", [{}, {"temperature": 0.0}, {"stop": ["e", "a"]}], ids=["free", "greedy", "stop"]
)
def test_a_server_writes_what_the_model_writes_here(model, change):
    """Each third request is refused (503) at first."""
    sampling = FREE.model_copy(update=change)
    assert write("openai", model, REQUESTS, sampling) == write("transformers", model, REQUESTS, sampling)


def test_a_prompt_that_fills_the_context_is_not_sent(model):
    full, nearly = GenerationRequest("x" * 64, 1), GenerationRequest("x" * 60, 1)
    assert write("openai", model, [full, nearly], FREE) == write("transformers", model, [full, nearly], FREE)


def test_a_completion_that_the_server_ends_for_a_reason_of_its_own_is_turned_away_with_it(model):
    rows = write("openai", model, [GenerationRequest("forbidden", 1), GenerationRequest("fine", 1)], FREE)
    assert rows[0].finish_reason == "content_filter"
    assert rows[1].finish_reason in ("stop", "length")
    unusable = read_completion(rows[0].text, rows[0].finish_reason, "cot", "[Problem]")
    assert isinstance(unusable, Unusable)
    assert unusable.rule == "not_finished"
    assert unusable.evidence.startswith("content_filter: ")


def test_special_tokens_that_a_prompt_spells_out_reach_the_server_as_text(model):
    (row,) = write("openai", model, [GenerationRequest("a<end>b", 1)], FREE)
    assert row.prompt_tokens == len("a<end>b")


def test_rows_of_a_server_are_kept_under_its_engine_and_asked_for_once(model, monkeypatch):
    with open_engine("openai", model, ASKED) as engine, open_crew(workers_of(ASKED)) as crew:
        first = generate_rows(engine, REQUESTS, FREE, ASKED, "completions", crew)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")  # whoever asks now fails
    with open_engine("openai", model, ASKED) as engine, open_crew(workers_of(ASKED)) as crew:
        assert generate_rows(engine, REQUESTS, FREE, ASKED, "completions", crew) == first
    assert {row.request["engine"]["engine"] for row in open_store().rows(GENERATE)} == {"openai"}


def test_a_server_with_another_model_is_named_and_writes_no_row(model, tmp_path):
    other = tiny_model(tmp_path / "other")
    manifest = other / "manifest.json"
    manifest.write_text(manifest.read_text().replace(DIGEST, "f" * 32))
    with pytest.raises(UserError, match=f"no such model or path.*--served-model-name {'f' * 32}"):
        write("openai", InDir(ModelManifest, other), REQUESTS, FREE)
    assert not list(open_store().rows(GENERATE))


def test_without_an_address_the_variable_is_named(model, monkeypatch):
    monkeypatch.delenv("OPENAI_BASE_URL")
    with pytest.raises(UserError, match="OPENAI_BASE_URL"):
        write("openai", model, REQUESTS, FREE)


def test_a_server_that_does_not_answer_is_named(model, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    with pytest.raises(UserError, match="gives no completion"):
        write("openai", model, REQUESTS, FREE)
