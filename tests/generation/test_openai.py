"""Each answer is paid for once, none that was received is lost, and the cap on money holds.

The client talks to a real server on loopback that fails in the ways of real ones and counts what it sends.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from jz3.core.errors import BudgetReached, UserError
from jz3.core.execution import Price
from jz3.generation.openai import CHAT, ChatAnswer, ChatFailure, ChatRequest, Endpoint, ask_all, chat_key
from jz3.store.rows import open_store
from tests.generation.builders import execution

KEY = "sk-secret-of-the-test"


class FaultServer(ThreadingHTTPServer):
    """Answers `re: PROMPT`; the fault is the prompt's first word, met once or (`always-...`) each time."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock, self.seen, self.answered = threading.Lock(), Counter(), Counter()
        self.usd, self.times, self.delay_s = 0.0, [], 0.0
        self.url = f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request, client_address):
        """Clients that hang up are part of the test."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultServer

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt = body["messages"][0]["content"]
        with self.server.lock:
            self.server.seen[prompt] += 1
            first = self.server.seen[prompt] == 1
            self.server.times.append(time.monotonic())
        time.sleep(self.server.delay_s)
        fault = prompt.split()[0]
        if fault.startswith("always-"):
            self.fail(fault.removeprefix("always-"))
        elif first and fault != "fine":
            self.fail(fault)
        else:
            self.answer(prompt, body)

    def fail(self, fault):
        if fault.isdigit():
            self.send(
                int(fault), {"error": {"message": f"no, {self.headers['Authorization']}", "code": None}}
            )
        elif fault == "asks":
            self.send(429, {"error": {"message": "slow down", "code": None}}, {"Retry-After": "1"})
        elif fault == "quota":
            self.send(429, {"error": {"message": "no money", "code": "insufficient_quota"}})
        elif fault == "drops":
            self.close_connection = True
        elif fault == "truncates":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"choices": [')
            self.close_connection = True
        elif fault == "garbles":
            self.send(200, None)
        elif fault == "chooses-none":
            self.send(200, {"choices": [], "usage": None})
        elif fault == "sleeps":
            time.sleep(3)
            self.close_connection = True

    def answer(self, prompt, body):
        usage = {"prompt_tokens": len(prompt.split()), "completion_tokens": body["max_tokens"] // 2}
        message = {"role": "assistant", "content": f"re: {prompt} seed {body['seed']}"}
        with self.server.lock:
            self.server.answered[prompt] += 1
            self.server.usd += (usage["prompt_tokens"] + usage["completion_tokens"]) / 1e6
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        self.send(200, {"model": "served", "choices": [choice], "usage": usage})

    def send(self, status, content, headers=()):
        encoded = b"{not json" if content is None else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {**dict(headers), "Content-Type": "application/json"}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, *_):
        """Quiet."""


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    monkeypatch.setattr("jz3.generation.pace.FIRST_WAIT_S", 0.02)
    with FaultServer() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def request(prompt, seed=0) -> ChatRequest:
    return ChatRequest("test", "m", prompt, temperature=0.6, top_p=1.0, max_tokens=100, seed=seed)


def ask(server, prompts, key=KEY, **changes):
    return ask_all([request(p) for p in prompts], Endpoint(server.url, key), execution(**changes), "teacher")


def test_the_key_of_a_request_is_what_it_was():
    """Changed payloads need a new version of the operation, or paid answers are lost without a word."""
    assert (CHAT.name, CHAT.version) == ("chat", 1)
    assert chat_key(request("A prompt.")) == "3872cc6fe0fbeb0ea840af0b7f840fe0"


def test_everything_in_a_request_is_in_its_key():
    whole = {"provider": "p", "model": "m", "prompt": "a", "temperature": 0.5, "top_p": 0.9}
    whole |= {"max_tokens": 5, "seed": 1}
    other = {"provider": "q", "model": "n", "prompt": "b", "temperature": 0.6, "top_p": 1.0}
    other |= {"max_tokens": 6, "seed": 2}
    keys = {chat_key(ChatRequest(**whole | {name: value})) for name, value in other.items()}
    assert len(keys | {chat_key(ChatRequest(**whole))}) == len(whole) + 1


def test_every_fault_ends_in_an_answer_or_a_failure_with_a_reason(server):
    once = ["fine", "429", "asks", "500", "503", "drops", "truncates", "garbles", "chooses-none", "sleeps"]
    always = ["400", "500", "drops", "garbles"]
    prompts = [f"{fault} {n}" for n in range(8) for fault in once]
    lost = [f"always-{fault} {n}" for n in range(2) for fault in always]
    replies = dict(zip([*prompts, *lost], ask(server, [*prompts, *lost], timeout_s=1), strict=True))
    for prompt in prompts:
        expected = ChatAnswer(f"re: {prompt} seed 0", "stop", 2, 50)
        assert replies[prompt] == expected
    for prompt in lost:
        reply = replies[prompt]
        assert isinstance(reply, ChatFailure)
        assert reply.reason
        assert KEY not in reply.reason
    assert server.seen["always-400 0"] == 1
    assert server.seen["always-500 0"] == 5
    assert max(server.answered.values()) == 1
    before = server.seen.total()
    again = ask(server, prompts)
    assert again == [replies[prompt] for prompt in prompts]
    assert server.seen.total() == before


def test_equal_requests_are_sent_once_and_a_larger_set_sends_the_new_ones(server):
    ask(server, ["fine a", "fine b", "fine a"])
    ask(server, ["fine a", "fine b", "fine c"])
    assert server.seen == {"fine a": 1, "fine b": 1, "fine c": 1}


def test_a_key_is_asked_for_only_where_the_store_lacks_an_answer(server):
    with pytest.raises(UserError, match="OPENAI_API_KEY"):
        ask(server, ["fine a"], key=None)
    asked = ask(server, ["fine a"])
    assert ask(server, ["fine a"], key=None) == asked


def test_replay_needs_no_server_and_names_what_is_missing(server):
    asked = ask(server, ["fine a"])
    server.server_close()
    assert ask(server, ["fine a"], key=None, teacher="replay") == asked
    with pytest.raises(UserError, match=f"replay, and 1 requests .*{chat_key(request('fine b'))}"):
        ask(server, ["fine a", "fine b"], teacher="replay")


@pytest.mark.parametrize(
    ("fault", "words"), [("401", "OPENAI_API_KEY"), ("404", "no such model"), ("quota", "no money")]
)
def test_what_every_request_would_meet_stops_the_stage_with_the_answers_kept(server, fault, words):
    server.delay_s = 0.01
    prompts = [*(f"fine {n}" for n in range(5)), *(f"always-{fault} {n}" for n in range(200))]
    with pytest.raises(UserError, match=words) as caught:
        ask(server, prompts, concurrency=4)
    assert KEY not in str(caught.value)
    assert server.seen.total() < 20
    ask(server, prompts[:5], key=None)


def test_the_key_is_nowhere(server, caplog, tmp_path):
    caplog.set_level("DEBUG", "jz3")
    ask(server, ["fine a", "always-400 b"])
    assert KEY not in caplog.text
    assert KEY not in repr(Endpoint(server.url, KEY))
    kept = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert kept
    assert all(KEY.encode() not in content for content in kept)


@pytest.mark.parametrize("cap_usd", [0.0009, 0.002, 0.01])
def test_the_cap_on_money_is_never_passed_and_a_higher_one_goes_on(server, cap_usd):
    prompts = [f"{fault} {n}" for n in range(20) for fault in ("fine", "500", "drops")]
    prices = {"m": Price(input=1, output=1)}
    with pytest.raises(BudgetReached, match="budget_usd") as caught:
        ask(server, prompts, budget_usd=cap_usd / 4, prices=prices)
    assert caught.value.exit_status == 3
    assert 0 < server.usd <= cap_usd / 4
    with pytest.raises(BudgetReached):
        ask(server, prompts, budget_usd=cap_usd / 4, prices=prices)
    assert server.usd <= cap_usd / 4, "a restart is no new budget"
    assert all(isinstance(reply, ChatAnswer) for reply in ask(server, prompts, budget_usd=1.0, prices=prices))
    assert max(server.answered.values()) == 1


def test_requests_a_minute_are_bounded(server):
    ask(server, [f"fine {n}" for n in range(60)], requests_per_minute=20 * 60)
    assert max(server.times) - min(server.times) >= 1.2, "a burst of 20, then 20 a second"


def test_a_server_that_asks_to_wait_is_left_alone_for_so_long(server):
    ask(server, ["asks a"])
    assert server.times[1] - server.times[0] >= 1


def test_the_exact_request_and_what_was_served_are_kept(server):
    ask(server, ["fine a"])
    (row,) = open_store().rows(CHAT)
    assert ChatRequest(**row.request) == request("fine a")
    assert row.result["served_model"] == "served"


ASKER = """
import sys
from jz3.generation.openai import Endpoint, ask_all
from tests.generation.test_openai import request
from tests.generation.builders import execution
requests = [request(f"fine {n}") for n in range(400)]
ask_all(requests, Endpoint(sys.argv[1], "k"), execution(concurrency=8), "teacher")
"""


def test_a_killed_run_asks_again_only_for_what_was_in_flight(server):
    server.delay_s = 0.02
    asker = subprocess.Popen([sys.executable, "-c", ASKER, server.url], env={**os.environ, "PYTHONPATH": "."})
    while server.answered.total() < 60:
        assert asker.poll() is None
        time.sleep(0.01)
    asker.send_signal(signal.SIGKILL)
    asker.wait()
    replies = ask(server, [f"fine {n}" for n in range(400)], concurrency=8)
    assert all(isinstance(reply, ChatAnswer) for reply in replies)
    assert 400 <= server.answered.total() <= 408
