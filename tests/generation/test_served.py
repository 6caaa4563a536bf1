"""A model behind a server writes what it writes here, and a server with another model writes no row."""

import pytest

from jz3.core.artifacts import InDir
from jz3.core.errors import UserError
from jz3.generation.completion_rows import GENERATE, generate_rows, generation_key, generation_workers
from jz3.generation.engine import GenerationRequest, Sampling
from jz3.generation.engines import open_engine
from jz3.store.row_store import open_store
from jz3.tables.model_manifest import ModelManifest
from jz3.text.problem_text import Unusable, read_completion
from jz3.workers.batch import workers_of
from jz3.workers.crew import open_crew
from tests.generation.builders import execution, tiny_model
from tests.generation.completions_server import serving

DIGEST = "0" * 32
REQUESTS = [GenerationRequest(f"Write problem {n}{'.' * (n % 9)}", n) for n in range(12)]
FREE = Sampling(temperature=0.8, top_p=0.95, max_tokens=24, stop=[])
TEACHERS = {"requests_per_minute": 1, "tokens_per_minute": 1, "concurrency": 1, "timeout_s": 0.001}
"""Limits that do not apply to these servers."""


def asked(*addresses, **changes):
    return execution(**(TEACHERS | {"servers": list(addresses), "server_concurrency": 16} | changes))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return InDir(ModelManifest, tiny_model(tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def address(model):
    with serving(model.path, DIGEST) as url:
        yield url


@pytest.fixture(autouse=True)
def _surroundings(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")  # the teacher's: asking there fails
    monkeypatch.setattr("jz3.generation.pace.FIRST_WAIT_S", 0.02)


@pytest.fixture
def write(address):
    def write(engine_name, model, requests, sampling):
        return written(engine_name, model, requests, sampling, asked(address))

    return write


def written(engine_name, model, requests, sampling, how):
    with open_engine(engine_name, model, "saved", how) as engine:
        return engine.generate(requests, sampling)


@pytest.mark.parametrize(
    "change", [{}, {"temperature": 0.0}, {"stop": ["e", "a"]}], ids=["free", "greedy", "stop"]
)
def test_a_server_writes_what_the_model_writes_here(write, model, change):
    """Each third request is refused (503) at first, and each third is broken off."""
    sampling = FREE.model_copy(update=change)
    assert write("openai", model, REQUESTS, sampling) == write("transformers", model, REQUESTS, sampling)


def test_a_prompt_that_fills_the_context_is_not_sent(write, model):
    full, nearly = GenerationRequest("x" * 64, 1), GenerationRequest("x" * 60, 1)
    assert write("openai", model, [full, nearly], FREE) == write("transformers", model, [full, nearly], FREE)


def test_a_completion_that_the_server_ends_for_a_reason_of_its_own_is_turned_away_with_it(write, model):
    rows = write("openai", model, [GenerationRequest("forbidden", 1), GenerationRequest("fine", 1)], FREE)
    assert rows[0].finish_reason == "content_filter"
    assert rows[1].finish_reason in ("stop", "length")
    unusable = read_completion(rows[0].text, rows[0].finish_reason, "cot", "[Problem]")
    assert isinstance(unusable, Unusable)
    assert unusable.rule == "not_finished"
    assert unusable.evidence.startswith("content_filter: ")


def test_special_tokens_that_a_prompt_spells_out_reach_the_server_as_text(write, model):
    (row,) = write("openai", model, [GenerationRequest("a<end>b", 1)], FREE)
    assert row.prompt_tokens == len("a<end>b")


def test_rows_of_a_server_are_kept_under_its_engine_and_asked_for_once(address, model):
    how = asked(address)
    with open_engine("openai", model, "saved", how) as engine, open_crew(workers_of(how)) as crew:
        first = generate_rows(engine, REQUESTS, FREE, how, "completions", crew)
    how = asked("http://127.0.0.1:1/v1")  # asking now fails
    with open_engine("openai", model, "saved", how) as engine, open_crew(workers_of(how)) as crew:
        assert generate_rows(engine, REQUESTS, FREE, how, "completions", crew) == first
    assert {row.request["engine"]["engine"] for row in open_store().rows(GENERATE)} == {"openai"}


def test_servers_that_run_elsewhere_are_asked_by_the_stage_even_where_there_is_a_cluster(address, model):
    """So each server has `server_concurrency` requests in all, and not as many from each worker."""
    cluster = {"ray_address": "127.0.0.1:1", "workers": 3}  # asking Ray fails
    how = asked(address, **cluster)
    with open_engine("openai", model, "saved", how) as engine:
        with open_crew(generation_workers(engine, how)) as crew:
            rows = generate_rows(engine, REQUESTS, FREE, how, "completions", crew)
        assert rows == written("transformers", model, REQUESTS, FREE, how)
    own = execution(**cluster)
    with open_engine("vllm", model, "saved", own) as engine:
        assert generation_workers(engine, own) == workers_of(own)


def test_the_keys_of_rows_are_those_of_before(model):
    """They were paid for: engine, model and format name them, and neither address nor concurrency does."""
    keys = {}
    for name in ("transformers", "vllm", "openai"):
        for dtype in ("saved", "bfloat16"):
            with open_engine(name, model, dtype, asked()) as engine:
                keys[name, dtype] = generation_key(engine, GenerationRequest("a prompt", 7), FREE)
    assert keys == GOLDEN


GOLDEN = {
    ("transformers", "saved"): "978439cf8951a811feb58be607ca7087",
    ("transformers", "bfloat16"): "60891f14d7066762381c8cb84ad8a8ab",
    ("vllm", "saved"): "dd86da5d0102b242e5214bdfb35c9891",
    ("vllm", "bfloat16"): "3ea16e2fa8516d6b4c458c4502638d0f",
    ("openai", "saved"): "14a6bd8f3657622f422696d190a5ebd7",
    ("openai", "bfloat16"): "3fd63ff5302dafa29c74a339b0da880b",
}


def test_a_server_that_is_not_there_is_left_out_and_the_other_writes_all(address, model):
    how = asked("http://127.0.0.1:1/v1", address, retries=1)
    found = written("openai", model, REQUESTS, FREE, how)
    assert found == written("transformers", model, REQUESTS, FREE, how)


def test_a_server_with_another_model_is_named_and_writes_no_row(write, model, tmp_path):
    other = tiny_model(tmp_path / "other")
    manifest = other / "manifest.json"
    manifest.write_text(manifest.read_text().replace(DIGEST, "f" * 32))
    with pytest.raises(UserError, match=f"no such model or path.*--served-model-name {'f' * 32}"):
        write("openai", InDir(ModelManifest, other), REQUESTS, FREE)
    assert not list(open_store().rows(GENERATE))


def test_without_an_address_the_parameter_is_named(model):
    with pytest.raises(UserError, match=r"expected in execution\.yaml:servers"):
        written("openai", model, REQUESTS, FREE, asked())


def test_a_wrong_address_or_key_is_named_by_where_it_stands(model, address, monkeypatch):
    with pytest.raises(UserError, match=r"^execution\.yaml:servers does not begin with http"):
        written("openai", model, REQUESTS, FREE, asked("10.0.0.7:8000"))
    monkeypatch.setenv("JZ3_SERVERS_KEY", "a key")
    with pytest.raises(UserError, match=r"^JZ3_SERVERS_KEY holds a blank"):
        written("openai", model, REQUESTS, FREE, asked(address))


def test_a_server_that_does_not_answer_is_named(model):
    with pytest.raises(UserError, match=r"give no completion.*http://127\.0\.0\.1:1/v1"):
        written("openai", model, REQUESTS, FREE, asked("http://127.0.0.1:1/v1", retries=1))
