"""vLLM itself, on a CPU, as a server that a stage owns: what it writes is what the other engine writes, each
row follows its own seed, and a stage goes on when a server or the stage itself is killed.

Runs in the main environment and needs the one of constraints/vllm.txt beside it: `make test-vllm` (four
minutes).
"""

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import closing
from socket import socket

import pytest

from jz3.core.artifacts import InDir
from jz3.generation.asking import ask_all
from jz3.generation.chat import ChatRequest
from jz3.generation.client import Endpoint
from jz3.generation.completion_rows import GENERATE, generate_rows
from jz3.generation.engine import GenerationRequest, Sampling
from jz3.generation.engines import open_engine
from jz3.store.row_store import open_store
from jz3.tables.model_manifest import ModelManifest
from jz3.workers.batch import workers_of
from jz3.workers.crew import open_crew
from tests.conftest import ROOT
from tests.generation.builders import execution, tiny_model

pytestmark = pytest.mark.vllm

CONTEXT = 96
REQUESTS = [GenerationRequest(f"Write problem {n}{'.' * (n % 9)}", n) for n in range(200)]
GREEDY = Sampling(temperature=0, top_p=1, max_tokens=24, stop=[])
FREE = Sampling(temperature=1, top_p=0.95, max_tokens=24, stop=[])
VLLM_PYTHON = str(ROOT / ".venv-vllm/bin/python")
EXECUTION = execution(
    generation_batch=64,
    generation_commit=50,
    vllm_python=VLLM_PYTHON,
    server_concurrency=64,
    server_timeout_s=300,
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return InDir(ModelManifest, tiny_model(tmp_path_factory.mktemp("model"), context=CONTEXT, hidden=128))


@pytest.fixture(scope="module")
def vllm(model):
    with open_engine("vllm", model, "saved", EXECUTION) as engine:
        yield engine


@pytest.fixture(scope="module")
def transformers(model):
    with open_engine("transformers", model, "saved", EXECUTION) as engine:
        yield engine


def test_greedy_completions_equal_those_of_the_transformers_engine(vllm, transformers):
    theirs, ours = vllm.generate(REQUESTS, GREEDY), transformers.generate(REQUESTS, GREEDY)
    assert theirs == ours
    assert {row.finish_reason for row in ours} == {"stop", "length"}


def test_a_rows_text_depends_on_its_seed_and_not_on_the_rows_beside_it(vllm):
    together = vllm.generate(REQUESTS, FREE)
    assert vllm.generate(REQUESTS[::-7], FREE) == together[::-7]
    reseeded = [GenerationRequest(request.prompt, request.seed + 1000) for request in REQUESTS]
    differ = sum(a.text != b.text for a, b in zip(vllm.generate(reseeded, FREE), together, strict=True))
    assert differ > 190


def test_a_stop_string_ends_a_row_and_is_not_in_its_text(vllm, transformers):
    free = vllm.generate(REQUESTS, GREEDY)
    stop = max("abcdefghijklmnopqrstuvwxyz", key=lambda letter: sum(letter in row.text for row in free))
    sampling = GREEDY.model_copy(update={"stop": ["never written", stop]})
    stopped = vllm.generate(REQUESTS, sampling)
    assert [row.text for row in stopped] == [row.text.split(stop)[0] for row in free]
    assert sum(
        row.completion_tokens < before.completion_tokens for row, before in zip(stopped, free, strict=True)
    )
    assert stopped == transformers.generate(REQUESTS, sampling)


def test_a_prompt_that_fills_the_context_fails_alone(vllm, transformers):
    requests = [GenerationRequest("x" * length, 0) for length in (90, CONTEXT, 200, 5)]
    sampling = GREEDY.model_copy(update={"max_tokens": 1000})
    assert vllm.generate(requests, sampling) == transformers.generate(requests, sampling)


def test_guessed_tokens_change_no_greedy_completion_and_no_row_beside_another(model, transformers):
    guessing = EXECUTION.model_copy(update={"vllm_speculation": "ngram"})
    with open_engine("vllm", model, "saved", guessing) as engine:
        assert engine.generate(REQUESTS, GREEDY) == transformers.generate(REQUESTS, GREEDY)
        drawn = engine.generate(REQUESTS[:50], FREE)
        assert engine.generate(REQUESTS[48::-7], FREE) == drawn[48::-7]


def test_a_second_run_asks_for_the_new_rows_alone(vllm, tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path))
    with open_crew(workers_of(EXECUTION)) as crew:
        small = generate_rows(vllm, REQUESTS[:100], FREE, EXECUTION, "completions", crew)
    asked = []

    class Counted:
        identity = vllm.identity

        def generate(self, requests, sampling):
            asked.extend(requests)
            return vllm.generate(requests, sampling)

    with open_crew(workers_of(EXECUTION)) as crew:
        large = generate_rows(Counted(), REQUESTS, FREE, EXECUTION, "completions", crew)
    assert large[:100] == small
    assert {request.seed for request in asked} == set(range(100, 200))
    assert len(list(open_store().rows(GENERATE))) == 200


@pytest.fixture
def server(model):
    """The address of vLLM's own server over the tiny model, as a user would start it by hand."""
    with closing(socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (model.path / "chat.jinja").write_text("{% for m in messages %}{{ m['content'] }}{% endfor %}")
    command = [
        *(VLLM_PYTHON, "-m", "vllm.entrypoints.cli.main", "serve", str(model.path)),
        *("--served-model-name", "tiny", "--host", "127.0.0.1", "--port", str(port), "--enforce-eager"),
        *("--dtype", "float32", "--gpu-memory-utilization", "0.15"),
        *("--chat-template", str(model.path / "chat.jinja")),
    ]
    with (model.path / "server.log").open("w") as log:
        running = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        until = time.monotonic() + 240
        while not answers(f"http://127.0.0.1:{port}/health"):
            assert running.poll() is None, (model.path / "server.log").read_text()[-3000:]
            assert time.monotonic() < until, "the server did not start within four minutes"
            time.sleep(1)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        # How vLLM's server ends is not what is tested, and on busy cores it takes more than a minute.
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def test_the_openai_engine_gets_from_vllms_server_what_the_other_engines_write(
    server, transformers, tmp_path, monkeypatch
):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path))
    rows = zip(REQUESTS[:40], transformers.generate(REQUESTS[:40], GREEDY), strict=True)
    # A teacher's answer without text is a failure, so prompts for which this model stops at once are left
    # out.
    asked, expected = zip(*(row for row in rows if compared(row[1])[0].strip()), strict=True)
    assert len(asked) > 30
    requests = [
        ChatRequest(
            provider="vllm",
            model="tiny",
            prompt=request.prompt,
            temperature=0,
            top_p=1,
            max_tokens=24,
            seed=request.seed,
        )
        for request in asked
    ]
    patient = execution(timeout_s=120)
    replies = list(ask_all(requests, Endpoint(server, "any"), patient, "answers"))
    assert [compared(reply) for reply in replies] == [compared(row) for row in expected]
    unreachable = Endpoint("http://127.0.0.1:9/v1", "any")
    assert list(ask_all(requests, unreachable, patient, "answers")) == replies, "from the store"


def compared(row):
    """Texts that both engines can have; servers send no half characters, so texts cut within one are left
    out.
    """
    return row.text.rstrip("\ufffd"), row.finish_reason, row.prompt_tokens, row.completion_tokens
