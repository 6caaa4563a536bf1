"""Anthropic's batches: joined by name, only the missing sent again, found after a kill, paid once."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from jz3.core.errors import UserError
from jz3.core.execution import BatchFiles
from jz3.generation.asking import ask_all
from jz3.generation.batch_results import Batch, read_results
from jz3.generation.chat import CHAT, ChatFailure, ChatRequest, chat_key
from jz3.generation.endpoint import Endpoint
from jz3.generation.message_batches import read_message_batch, result_file_line
from jz3.generation.outcomes import Setback
from jz3.generation.secrets import Mask
from jz3.store.row_store import open_store
from tests.conftest import ROOT
from tests.generation.builders import execution
from tests.generation.message_provider import error, message, message_provider

KEY = "sk-ant-Q7x2kV9pLm4Rt8Zw1Yb6Nc3Hd5"
FILES = {"requests": 50_000, "megabytes": 200.0, "enqueued_tokens": 1_000_000, "poll_s": 0.02}
speaks = pytest.mark.skipif(
    importlib.util.find_spec("anthropic") is None, reason="the package anthropic, an extra, is not installed"
)


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))


def request(prompt):
    return ChatRequest("anthropic", "m", prompt, api="messages", max_tokens=900)


def ask(url, prompts, teacher="batch", **files):
    endpoint = Endpoint(url, KEY, ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY"), "anthropic")
    limits = execution(
        teacher=teacher,
        retries=2,
        timeout_s=10,
        concurrency=4,
        batch_files=BatchFiles.model_validate(FILES | files),
    )
    return list(ask_all([request(prompt) for prompt in prompts], endpoint, limits, "teacher"))


def texts(replies):
    return [(reply.text, reply.reasoning, reply.by_batch) for reply in replies]


def expected(prompts):
    return [(f"re: {prompt}", "Hm.", True) for prompt in prompts]


def left(tmp_path):
    return [file for file in (tmp_path / "store/batches").iterdir() if file.name != "lock"]


@speaks
def test_a_batch_answers_each_request_once_and_leaves_nothing_behind(tmp_path):
    prompts = [f"fine {n}" for n in range(25)]
    with message_provider() as server:
        replies = ask(server.url, prompts, requests=10)
        assert [len(batch["requests"]) for batch in server.batches] == [10, 10, 5]
        assert set(server.answered.values()) == {1}
        params = server.batches[0]["requests"][0]["params"]
        assert params == {
            "model": "m",
            "max_tokens": 900,
            "messages": [{"role": "user", "content": "fine 0"}],
        }
    assert texts(replies) == expected(prompts)
    assert left(tmp_path) == []
    assert ask("http://127.0.0.1:1", prompts, "replay") == replies
    assert {row.key for row in open_store().rows(CHAT)} == {chat_key(request(prompt)) for prompt in prompts}


@speaks
def test_what_expired_or_was_hindered_goes_out_again_and_what_is_refused_fails_alone():
    prompts = ["hindered b", *(f"fine {n}" for n in range(8)), "refused a"]
    with message_provider() as server:
        server.answers = 0.6
        replies = ask(server.url, prompts)
        sizes = [len(batch["requests"]) for batch in server.batches]
        assert (sizes, set(server.answered.values())) == ([10, 5], {1})
        assert server.seen["refused a"] == 2, "it expired once before anybody read it"
    assert texts(replies[:9]) == expected(prompts[:9])
    assert isinstance(replies[9], ChatFailure)
    assert "too long a prompt" in replies[9].reason


@speaks
@pytest.mark.parametrize("others", [0, 3])
def test_a_batch_whose_id_never_arrived_is_found_by_its_results(others, tmp_path):
    with message_provider() as server:
        for number in range(others):  # of the same account and size, sent before and together with ours
            server.begin(
                [{"custom_id": f"other-{number}-{n}", "params": request(f"x {n}").body()} for n in range(6)]
            )
        server.lose_creation, server.lose_results = True, 2
        prompts = [f"fine {n}" for n in range(6)]
        replies = ask(server.url, prompts)
        assert len(server.batches) == others + 1
        assert [server.answered[prompt] for prompt in prompts] == [1] * 6
    assert texts(replies) == expected(prompts)
    assert left(tmp_path) == []


ASKER = """
import sys
from tests.generation.test_message_batches import ask
ask(sys.argv[1], [f"fine {n}" for n in range(12)])
"""


def killed_asker(server, when):
    asker = subprocess.Popen(
        [sys.executable, "-c", ASKER, server.url],
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"},
    )
    while not when():
        assert asker.poll() is None
        time.sleep(0.005)
    asker.send_signal(signal.SIGKILL)
    asker.wait()


@speaks
@pytest.mark.long
@pytest.mark.parametrize("knows_its_id", [True, False])
def test_a_batch_sent_before_the_process_died_is_collected_not_sent_again(knows_its_id, tmp_path):
    prompts = [f"fine {n}" for n in range(14)]
    with message_provider() as server:
        server.hold = True
        killed_asker(
            server,
            lambda: server.batches and any("msgbatch" in file.read_text() for file in states(tmp_path)),
        )
        (state,) = states(tmp_path)
        if not knows_its_id:  # it died after sending, before writing down the reply
            state.write_text(json.dumps(json.loads(state.read_text()) | {"batch_id": None}))
        with pytest.raises(UserError, match="wait in batch files"):
            ask(server.url, prompts, "call")
        server.hold = False
        replies = ask(server.url, prompts)
        assert [len(batch["requests"]) for batch in server.batches] == [12, 2]
        assert set(server.answered.values()) == {1}
    assert texts(replies) == expected(prompts)
    assert left(tmp_path) == []


def states(tmp_path):
    return sorted((tmp_path / "store/batches").glob("*.json"))


@speaks
def test_a_batch_that_was_never_begun_is_sent_once(tmp_path):
    with message_provider() as server:
        server.day = "2025-01-01"
        server.begin([{"custom_id": "old", "params": request("x").body()}])
        server.day = "2026-11-29"
        folder = tmp_path / "store/batches"
        folder.mkdir(parents=True)
        (folder / "n1.requests").write_text(
            f"{chat_key(request('fine a'))}\t{json.dumps(request('fine a').row())}\n"
        )
        (folder / "n1.json").write_text(
            '{"nonce":"n1","requests":1,"tokens":5,"usd":0.0,"batch_id":null,"sent_on":"2026-11-29"}'
        )
        assert texts(ask(server.url, ["fine a"])) == expected(["fine a"])
        assert server.answered["fine a"] == 1
        assert server.read == ["msgbatch_01"], "one from long before it is not looked into"


@speaks
def test_a_server_without_batches_is_named_in_one_line():
    with message_provider() as server, pytest.raises(UserError, match="the endpoint /v1/messages/batches"):
        ask(f"{server.url}/elsewhere", ["fine a"])


MASK = Mask(KEY)
NONCE = "f" * 32


def outcome_of(result):
    key = "0123456789abcdef" * 2
    read = read_results(
        [result_file_line(json.dumps({"custom_id": key + NONCE, "result": result}).encode())], MASK
    )
    return read, key


def test_each_kind_of_result_is_what_the_reference_says_it_is():
    read, key = outcome_of({"type": "succeeded", "message": message("p")})
    assert (set(read.bodies), read.answered) == ({key}, 1)
    for result in (
        {"type": "expired"},
        {"type": "canceled"},
        {"type": "errored", "error": error("overloaded_error")},
    ):
        read, key = outcome_of(result)
        assert (read.failed[key].again, read.failed[key].paid) == (True, False), result
    read, key = outcome_of({"type": "errored", "error": error("invalid_request_error", "too long")})
    assert not read.failed[key].again
    assert "too long" in read.failed[key].reason
    read, _ = outcome_of({"type": "errored", "error": error("authentication_error", f"wrong key {KEY}")})
    assert read.stop is not None
    assert KEY not in read.stop.reason


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b'{"custom_id": 3}', b'{"custom_id": "x"}'])
def test_a_line_that_is_no_result_stays_damaged(line):
    read = read_results([result_file_line(line)], MASK)
    assert not read.bodies
    assert read.damaged == (1 if line in (b"{", b"[]", b'{"custom_id": 3}') else 0)


def test_a_batch_is_ended_once_it_says_so():
    said = {
        "id": "b",
        "processing_status": "in_progress",
        "request_counts": {"processing": 2, "succeeded": 0},
    }
    going = read_message_batch(said, MASK)
    assert isinstance(going, Batch)
    assert (going.status, going.output_file_id) == ("in_progress", None)
    ended = read_message_batch(
        said | {"processing_status": "ended", "request_counts": {"succeeded": 2}}, MASK
    )
    assert isinstance(ended, Batch)
    assert (ended.status, ended.output_file_id, ended.completed) == ("completed", "b", 2)
    for nothing in ({}, {"id": 3}, {"id": KEY}, []):
        assert isinstance(read_message_batch(nothing, MASK), Setback)
