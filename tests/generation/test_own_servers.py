"""Servers that a stage owns: they share the requests, are restarted when they end, and end with the stage.

Each is a real process that takes the command line of `vllm serve` (tests/generation/vllm_program.py). vLLM
itself goes through the same mechanism in `make test-vllm`.
"""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from socket import gethostname

import pytest
from tokenizers.pre_tokenizers import ByteLevel

from jz3.core.artifacts import InDir
from jz3.core.errors import UserError
from jz3.generation import own_servers, servers
from jz3.generation.completion_rows import GENERATE, generate_rows, generation_workers
from jz3.generation.engine import Generated, GenerationRequest, Sampling
from jz3.generation.engines import find_model, open_engine
from jz3.store.row_store import open_store
from jz3.tables.model_manifest import ModelManifest
from jz3.workers.batch import UnfitError, gpu_groups, workers_of
from jz3.workers.crew import open_crew
from tests.conftest import ROOT
from tests.generation.builders import execution, tiny_model
from tests.generation.vllm_program import installed, written_ids

REQUESTS = [GenerationRequest(f"Write problem {n}{'.' * (n % 9)}", n) for n in range(24)]
ALPHABET = sorted(ByteLevel.alphabet())
LETTERS = {2 + place: letter for place, letter in enumerate(ALPHABET)}
TOKENIZER_OFFSET = {ord(letter): number for number, letter in LETTERS.items() if ord(letter) < 128} | {
    ord(" "): 2 + ALPHABET.index("Ġ")
}
"""The token of each byte of ASCII."""
CONTEXT = 64
FREE = Sampling(temperature=0.8, top_p=0.95, max_tokens=24, stop=[])


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return InDir(ModelManifest, tiny_model(tmp_path_factory.mktemp("model"), context=CONTEXT))


@pytest.fixture
def notes(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("JZ3_TEST_NOTES", str(tmp_path))
    monkeypatch.setattr("jz3.generation.pace.FIRST_WAIT_S", 0.02)
    monkeypatch.setattr(own_servers, "PAUSE_S", 0.05)
    return tmp_path


def asked(folder, **changes):
    of_tests = {"vllm_python": installed(folder), "server_concurrency": 4, "retries": 1}
    return execution(**(of_tests | changes))


def order(folder, **orders):
    (folder / "orders.json").write_text(json.dumps(orders))


def starts(folder):
    file = folder / "starts"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def answered(folder):
    file = folder / "answered"
    return [int(seed) for seed in file.read_text().split()] if file.exists() else []


def lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def all_end(folder, seconds=20):
    until = time.monotonic() + seconds
    pids = [start[kind] for start in starts(folder) for kind in ("pid", "left")]
    while any(map(lives, pids)) and time.monotonic() < until:
        time.sleep(0.05)
    return not any(map(lives, pids))


def expected(requests, sampling):
    """The texts by the rule of the program, decoded as every engine decodes."""
    rows = []
    for request in requests:
        prompt = [TOKENIZER_OFFSET[byte] for byte in request.prompt.encode()]
        room = min(sampling.max_tokens, CONTEXT - len(prompt))
        if room <= 0:
            rows.append(Generated("", "length", len(prompt), 0))
            continue
        ids, reason = written_ids(prompt, request.seed, room)
        text = "".join(LETTERS[number] for number in ids if number > 1)
        ends = [text.find(stop) for stop in sampling.stop if stop in text]
        rows.append(Generated(text[: min(ends, default=len(text))], reason, len(prompt), len(ids)))
    return rows


def test_two_servers_share_the_requests_and_their_tokens_are_decoded_here(model, notes):
    sampling = FREE.model_copy(update={"stop": ["e", "a"]})
    how = asked(notes, workers=2)
    with open_engine("vllm", model, "saved", how) as engine:
        assert engine.identity == {"engine": "vllm", "model": "0" * 32, "dtype": "float32"}
        assert not starts(notes), "nothing is started before there is a request"
        assert engine.generate([*REQUESTS, GenerationRequest("x" * 64, 1)], sampling) == expected(
            [*REQUESTS, GenerationRequest("x" * 64, 1)], sampling
        )
        assert engine.generate(REQUESTS[:3], FREE) == expected(REQUESTS[:3], FREE)
        first, second = starts(notes)
        assert lives(first["pid"]), "servers stay for the next call"
    assert first["--port"] != second["--port"]
    assert (first["--dtype"], first["--max-model-len"]) == ("float32", "64")
    assert all_end(notes)


@pytest.mark.long
def test_a_killed_server_comes_back_and_its_requests_go_elsewhere(model, notes):
    order(notes, seconds=0.3)
    how = asked(notes, workers=2)
    with (
        open_engine("vllm", model, "saved", how) as engine,
        open_crew(generation_workers(engine, how)) as crew,
    ):
        with closing(engine.stream((str(r.seed), r, FREE) for r in REQUESTS)) as outcomes:
            found = dict([next(row for row in outcomes if row)])
            os.kill(starts(notes)[0]["pid"], signal.SIGKILL)
            found |= dict(row for row in outcomes if row)
        until = time.monotonic() + 30
        while len(starts(notes)) < 3 and time.monotonic() < until:
            time.sleep(0.05)
        assert len(starts(notes)) == 3
        again = generate_rows(engine, REQUESTS, FREE, how, "completions", crew)
    assert [found[str(request.seed)] for request in REQUESTS] == again == expected(REQUESTS, FREE)
    assert all_end(notes)


@pytest.mark.long
def test_a_request_that_ends_servers_is_found_and_fails_alone(model, notes, monkeypatch):
    monkeypatch.setattr(servers, "COMPANY", 2)
    order(notes, ended_by=[7])
    with open_engine("vllm", model, "saved", asked(notes, workers=1)) as engine:
        outcomes = dict(row for row in engine.stream((str(r.seed), r, FREE) for r in REQUESTS) if row)
    assert outcomes["7"].reason == "ended 3 servers or more"
    assert len(starts(notes)) == 4
    others = [request for request in REQUESTS if request.seed != 7]
    assert [outcomes[str(request.seed)] for request in others] == expected(others, FREE)


def test_a_server_whose_first_start_fails_is_started_again(model, notes):
    order(notes, fails_at_start=[1, 2])
    with open_engine("vllm", model, "saved", asked(notes)) as engine:
        assert engine.generate(REQUESTS, FREE) == expected(REQUESTS, FREE)
    assert len(starts(notes)) == 3


@pytest.mark.parametrize("workers", [1, 2])
def test_if_no_server_can_start_it_is_said_with_the_last_words_of_one(model, notes, workers):
    order(notes, fails_at_start=list(range(1, 9)))
    said = r"ended with status 1 \(failed starts: 3\)"
    said += ", the last of 2 servers; " if workers == 2 else "; "
    with (
        open_engine("vllm", model, "saved", asked(notes, workers=workers)) as engine,
        pytest.raises(UserError, match=said + r".*no memory for the cache of keys and values"),
    ):
        engine.generate(REQUESTS, FREE)
    assert len(starts(notes)) == 3 * workers
    assert all_end(notes)


def test_a_server_that_is_never_ready_is_not_waited_for_twice(model, notes, monkeypatch):
    monkeypatch.setattr(own_servers, "START_S", 0.3)
    with (
        open_engine("vllm", model, "saved", asked(notes)) as engine,
        pytest.raises(UserError, match=r"was not ready in 0\.3 s \(failed starts: 1\); "),
    ):
        engine.generate(REQUESTS, FREE)
    assert all_end(notes)


def starts_on(notes, gpu, count):
    """Waits for as many starts on a GPU, and for one more a while longer."""
    until = time.monotonic() + 20
    while len(found := [s for s in starts(notes) if s["gpus"] == gpu]) < count and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(1)
    assert len([s for s in starts(notes) if s["gpus"] == gpu]) == count
    return found


@pytest.mark.long
def test_the_others_go_on_without_a_server_that_cannot_start(model, notes, monkeypatch, caplog):
    """Neither at the first start, nor when a server that has served does not come back."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6")
    order(notes, fails_on=["4"])
    how = asked(notes, device="cuda", workers="auto", worker_gpus=1)
    with open_engine("vllm", model, "saved", how) as engine:
        assert engine.generate(REQUESTS, FREE) == expected(REQUESTS, FREE)
        starts_on(notes, "4", 3)
        assert "the vLLM server on GPU 4 ended with status 1 (failed starts: 3); the others" in caplog.text
        order(notes, fails_on=["4", "5"])
        (served,) = starts_on(notes, "5", 1)
        os.kill(served["pid"], signal.SIGKILL)
        assert engine.generate(REQUESTS, FREE) == expected(REQUESTS, FREE)
        starts_on(notes, "5", 4)
        assert engine.generate(REQUESTS, FREE) == expected(REQUESTS, FREE)
        order(notes, fails_on=["4", "5", "6"])
        (last,) = starts_on(notes, "6", 1)
        os.kill(last["pid"], signal.SIGKILL)
        with pytest.raises(UserError, match=r"the last of 3 servers; .*no memory for the cache"):
            engine.generate(REQUESTS, FREE)
    assert all_end(notes)


@pytest.mark.long
def test_a_card_on_which_every_request_ends_the_server_takes_no_row_with_it(
    model, notes, monkeypatch, caplog
):
    """Its requests are suspects once, and answered by the other one; completions there do not excuse it."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5")
    order(notes, ends_on=["4"], seconds=0.2)
    how = asked(notes, device="cuda", workers="auto", worker_gpus=1, server_concurrency=16)
    many = [GenerationRequest(f"Write {n}", n) for n in range(400)]
    with open_engine("vllm", model, "saved", how) as engine:
        outcomes = dict(row for row in engine.stream((str(r.seed), r, FREE) for r in many) if row)
        assert [outcomes[str(request.seed)] for request in many] == expected(many, FREE)
        until = time.monotonic() + 60
        while "GPU 4 ended 5 times in a row; the others" not in caplog.text and time.monotonic() < until:
            assert engine.generate(REQUESTS, FREE) == expected(REQUESTS, FREE)
        starts_on(notes, "4", 5)
    assert all_end(notes)


def test_a_server_finds_the_programs_of_its_environment_and_compiles_no_sampler(model, notes, monkeypatch):
    """FlashInfer asks for ninja and nvcc when vLLM starts; ninja is only in the environment of vLLM."""
    with open_engine("vllm", model, "saved", asked(notes)) as engine:
        engine.generate(REQUESTS[:1], FREE)
    (start,) = starts(notes)
    assert start["programs"] == [str(notes), *os.environ["PATH"].split(os.pathsep)]
    assert start["sampler"] == "0"
    monkeypatch.setenv("VLLM_USE_FLASHINFER_SAMPLER", "1")
    assert own_servers.server_environment(execution(), [], "key")["VLLM_USE_FLASHINFER_SAMPLER"] == "1"


def test_an_environment_that_is_not_there_is_named(model, notes):
    with (
        open_engine("vllm", model, "saved", asked(notes, vllm_python="not/there")) as engine,
        pytest.raises(UserError, match=r"there is no .*not/there.*make gpu"),
    ):
        engine.generate(REQUESTS, FREE)


def test_a_machine_of_a_cluster_without_vllm_is_named_and_leaves_its_rows_to_the_others(model, notes):
    how = asked(notes, vllm_python="not/there", ray_address="auto")
    with (
        open_engine("vllm", model, "saved", how) as engine,
        pytest.raises(UnfitError, match=f"there is no .*not/there on {gethostname()} "),
    ):
        engine.generate(REQUESTS[:1], FREE)


STAGE = """
import sys
from pathlib import Path
from jz3.core.artifacts import InDir
from jz3.generation.engines import find_model, open_engine
from jz3.generation.completion_rows import generate_rows, generation_workers
from jz3.tables.model_manifest import ModelManifest
from jz3.workers.crew import open_crew
from tests.generation.test_own_servers import FREE, REQUESTS, asked
from jz3.workers import fill

fill.COMMIT_S = 0.5
how = asked(Path(sys.argv[2]), workers=2, generation_commit=1000)
with open_engine("vllm", InDir(ModelManifest, Path(sys.argv[1])), "saved", how) as engine:
    with open_crew(generation_workers(engine, how)) as crew:
        generate_rows(engine, REQUESTS, FREE, how, "completions", crew)
"""


def start_stage(model, notes):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", STAGE, str(model.path), str(notes)], env=environment)


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_servers_and_what_they_started_end_with_the_stage_and_its_rows_are_kept(model, notes, number):
    order(notes, seconds=0.7)
    stage = start_stage(model, notes)
    while len(answered(notes)) < 12:
        assert stage.poll() is None
        time.sleep(0.02)
    time.sleep(0.2)  # the answers are being written
    stage.send_signal(number)
    assert stage.wait(30) != 0
    assert all_end(notes), "no server is left, and no process of one"
    kept = {row.request["seed"] for row in open_store().rows(GENERATE)}
    before = answered(notes)
    assert kept <= set(before)
    first = 12 if number == signal.SIGINT else 8
    assert set(before[:first]) <= kept, "what waited for COMMIT_S; after Ctrl-C all that was received"

    order(notes)
    assert start_stage(model, notes).wait(60) == 0
    rows = [(row.key, row.request["seed"]) for row in open_store().rows(GENERATE)]
    assert sorted(seed for _, seed in rows) == list(range(24)), "asked = stored"
    assert not kept & set(answered(notes)[len(before) :]), "what was kept is not asked for again"


@pytest.mark.long
def test_a_killed_guardian_takes_its_server_with_it(model, notes):
    order(notes, seconds=0.3)
    with open_engine("vllm", model, "saved", asked(notes)) as engine:
        outcomes = engine.stream((str(r.seed), r, FREE) for r in REQUESTS)
        next(row for row in outcomes if row)
        (server,) = starts(notes)
        guardian = int(Path(f"/proc/{server['pid']}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(guardian, signal.SIGKILL)
        assert len([row for row in outcomes if row]) == len(REQUESTS) - 1
        assert not lives(server["pid"])
    os.kill(server["left"], signal.SIGKILL)  # in a session of its own, with nobody left who knows about it


@pytest.mark.parametrize(
    ("visible", "each", "workers", "groups"),
    [
        ("0,1,2,3", 1, "auto", [["0"], ["1"], ["2"], ["3"]]),
        ("GPU-a, GPU-b,GPU-c", 2, "auto", [["GPU-a", "GPU-b"]]),
        ("4,5,6,7", 2, 2, [["4", "5"], ["6", "7"]]),
        ("4,5,6,7", 1, 2, [["4"], ["5"]]),
    ],
)
def test_auto_is_as_many_servers_as_the_visible_gpus_are_enough_for(
    visible, each, workers, groups, monkeypatch
):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    how = execution(device="cuda", workers=workers, worker_gpus=each)
    assert gpu_groups(how) == groups
    assert workers_of(how).count == len(groups)
    assert gpu_groups(how.model_copy(update={"ray_address": "auto", "workers": 8})) == groups[:1]


def test_fewer_gpus_than_asked_for_and_auto_on_a_cluster_are_said(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    with pytest.raises(UserError, match="asks for 2 servers with 2 GPUs each, and 2 GPUs are visible"):
        gpu_groups(execution(device="cuda", workers=2, worker_gpus=2))
    with pytest.raises(UserError, match=r"auto and execution\.yaml:ray_address is set; a number"):
        workers_of(execution(device="cuda", workers="auto", ray_address="auto"))
    assert workers_of(execution(workers="auto")).count == 1


def test_on_gpus_each_server_sees_its_own_and_computes_in_bf16(model, notes, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6,7")
    how = asked(notes, device="cuda", workers="auto", worker_gpus=2)
    with open_engine("vllm", model, "bfloat16", how) as engine:
        assert engine.identity["dtype"] == "bfloat16"
        engine.generate(REQUESTS[:8], FREE)
        while len(starts(notes)) < 2:
            time.sleep(0.05)
    assert sorted(start["gpus"] for start in starts(notes)) == ["4,5", "6,7"]
    assert {start["--dtype"] for start in starts(notes)} == {"bfloat16"}
    assert {start["--tensor-parallel-size"] for start in starts(notes)} == {"2"}
    assert not any("--enforce-eager" in start for start in starts(notes))


@pytest.mark.parametrize(
    ("dtype", "quantization", "cache"),
    [("bfloat16", None, None), ("fp8", "fp8", None), ("fp8_cache", None, "fp8"), ("fp8_all", "fp8", "fp8")],
)
def test_formats_of_8_bits_are_passed_on_to_vllm_and_name_rows_of_their_own(
    model, dtype, quantization, cache
):
    source = replace(find_model(model), dtype=dtype)
    command = own_servers.vllm_command(source, 64, execution(), 1)
    said = dict(pairwise(command))
    assert said["--dtype"] == "bfloat16"
    assert (said.get("--quantization"), said.get("--kv-cache-dtype")) == (quantization, cache)
    with open_engine("vllm", model, dtype, execution()) as engine:
        assert engine.identity["dtype"] == dtype


@pytest.mark.parametrize("how", [None, "ngram", "suffix"])
def test_what_guesses_tokens_is_passed_on_to_vllm_and_changes_no_key(model, how):
    changed = execution(vllm_speculation=how)
    said = dict(pairwise(own_servers.vllm_command(find_model(model), 64, changed, 1)))
    config = said.get("--speculative-config")
    assert (None if config is None else json.loads(config)["method"]) == how
    with (
        open_engine("vllm", model, "saved", changed) as engine,
        open_engine("vllm", model, "saved", execution()) as other,
    ):
        assert engine.identity == other.identity


def test_the_engine_of_this_process_refuses_formats_of_8_bits(model):
    with (
        pytest.raises(UserError, match="engine transformers computes in saved, float32 or bfloat16"),
        open_engine("transformers", model, "fp8", execution()),
    ):
        pass


def test_a_server_never_answers_for_the_key_of_another(model, notes):
    assert own_servers.LOOPBACK == "127.0.0.1"
    with open_engine("vllm", model, "saved", asked(notes)) as engine:
        engine.generate(REQUESTS[:1], FREE)
        address = f"http://127.0.0.1:{starts(notes)[0]['--port']}/v1"
        stranger = execution(servers=[address], retries=0)
        with (
            open_engine("openai", model, "saved", stranger) as other,
            pytest.raises(UserError, match=r"401|Unauthorized"),
        ):
            other.generate(REQUESTS[:1], FREE)
