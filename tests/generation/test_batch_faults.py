"""Whatever a server of batches does: each answer is taken once, the cap holds, and a failure is one line."""

import json
import socketserver
import threading
from contextlib import contextmanager, suppress

import pytest

from jz3.core.errors import UserError
from jz3.core.execution import BatchFiles, Price
from jz3.generation.asking import ask_all
from jz3.generation.chat import ChatAnswer, ChatFailure, ChatRequest
from jz3.generation.endpoint import Endpoint
from tests.generation.builders import execution
from tests.generation.faulty import GOOD, TEXT, completion, error, is_whole, response

KEY = "sk-proj-Q7x2kV9pLm4Rt8Zw1Yb6Nc3Hd5"
FILES = BatchFiles(requests=50_000, megabytes=200.0, enqueued_tokens=1_000_000, poll_s=0.01)
PRICES = {"m": Price(as_of="2026-01-01", input=1, cached_input=1, output=1, batch_discount=0.5)}
COST_USD = (20 + 30) / 1e6 * 0.5
PROMPTS = [f"p {number:02}" for number in range(12)]


@pytest.fixture(autouse=True)
def _quick(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    monkeypatch.setattr("jz3.generation.pace.FIRST_WAIT_S", 0.005)


class Batches(socketserver.ThreadingTCPServer):
    """Ends each batch the first time it is looked at. `faults` by endpoint: bytes in place of the next
    answers; `line` and `ended` change what is written about a request and a batch.
    """

    daemon_threads = allow_reuse_address = True

    def __init__(self, faults, line=lambda _, said: said, ended=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.faults = {name: list(said) for name, said in faults.items()}
        self.line, self.ended = line, ended or {}
        self.files, self.batches, self.answered, self.usd = {}, {}, [], 0.0
        self.lock = threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request, client_address):
        """The client has gone."""

    def said(self, method, path, body):
        """The normal answer is made in any case: a fault may affect only the way back."""
        parts = path.partition("?")[0].split("/")[2:]
        if parts == ["files"]:
            name, normal = "upload", self.upload(body)
        elif parts == ["batches"] and method == b"POST":
            name, normal = "begin", self.begin(json.loads(body))
        elif parts == ["batches"]:
            name, normal = "list", response({"data": list(self.batches.values()), "has_more": False})
        elif parts[0] == "batches":
            name, normal = "look", response(self.end(parts[1]))
        else:
            name, normal = "results", response(self.files[parts[1]])
        waiting = self.faults.get(name)
        return waiting.pop(0) if waiting else normal

    def upload(self, body):
        content = next(part for part in body.split(body[: body.index(b"\r\n")]) if b".jsonl" in part)
        name = f"file-{len(self.files)}"
        self.files[name] = content.partition(b"\r\n\r\n")[2].strip()
        return response({"id": name})

    def begin(self, asked):
        batch = {"id": f"batch-{len(self.batches)}", "status": "in_progress", **asked}
        self.batches[batch["id"]] = batch
        return response(batch)

    def end(self, name):
        batch = self.batches[name]
        if batch["status"] != "in_progress":
            return batch
        lines = [json.loads(line) for line in self.files[batch["input_file_id"]].splitlines()]
        written = [self.written(line) for line in lines]
        self.files[f"results-{name}"] = b"".join(line + b"\n" for line in written if line is not None)
        batch |= {
            "status": "completed",
            "output_file_id": f"results-{name}",
            "request_counts": {"completed": len(lines)},
            **self.ended,
        }
        self.ended = {}
        return batch

    def written(self, line):
        prompt = line["body"]["messages"][0]["content"]
        self.answered.append(prompt)
        self.usd += COST_USD
        whole = {"custom_id": line["custom_id"], "response": {"status_code": 200, "body": completion()}}
        said = self.line(prompt, whole)
        return said if isinstance(said, bytes) or said is None else json.dumps(said).encode()


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        while first := self.rfile.readline().strip():
            method, path, _ = first.split()
            headers = {}
            while (line := self.rfile.readline().strip()) != b"":
                name, _, value = line.partition(b":")
                headers[name.lower()] = value.strip()
            body = self.rfile.read(int(headers.get(b"content-length", 0)))
            with self.server.lock:
                said = self.server.said(method, path.decode(), body)
            self.wfile.write(said)
            self.wfile.flush()
            if not is_whole(said):
                return


@contextmanager
def batches(faults=None, **changes):
    with Batches(faults or {}, **changes) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()


def ask(server, prompts=PROMPTS, **changes):
    requests = [ChatRequest("test", "m", prompt, 0.6, 1.0, 60, seed=0) for prompt in prompts]
    limits = {"teacher": "batch", "retries": 2, "timeout_s": 5, "batch_files": FILES, "prices": PRICES}
    return list(ask_all(requests, Endpoint(server.url, KEY), execution(**limits | changes), "teacher"))


PASSING = {
    "500": error(500),
    "503": error(503, headers="retry-after: 0\r\n"),
    "429": error(429),
    "cut": GOOD[:60],
    "no http": b"SSH-2.0-hello\r\n",
    "nothing": response(b""),
    "html": response(b"<html>welcome</html>"),
    "a list": response([1]),
    "no gzip": response(b"plain", headers="content-encoding: gzip\r\n"),
}


@pytest.mark.parametrize("endpoint", ["upload", "begin", "look", "results"])
@pytest.mark.parametrize("name", PASSING)
def test_what_passes_is_waited_for_and_nothing_is_paid_twice(endpoint, name):
    with batches({endpoint: [PASSING[name]]}) as server:
        replies = ask(server)
        assert all(isinstance(reply, ChatAnswer) for reply in replies)
        assert sorted(server.answered) == PROMPTS


LINES = {
    "no json": b"{not json",
    "cut": b'{"custom_id": "abc", "respon',
    "a list": b"[1]",
    "no id": {"response": {"status_code": 200, "body": completion()}},
    "foreign id": {"custom_id": "f" * 32, "response": {"status_code": 200, "body": completion()}},
    "missing": None,
    "500": {"response": {"status_code": 500, "body": {"error": {"message": "no"}}}},
    "expired": {"response": None, "error": {"code": "batch_expired", "message": "too late"}},
    "no choices": {"response": {"status_code": 200, "body": completion(choices=[])}},
    "broken off": {"response": {"status_code": 200, "body": completion(choice={"finish_reason": "error"})}},
    "body null": {"response": {"status_code": 200, "body": None}},
}


@pytest.mark.parametrize("name", LINES)
def test_a_line_without_an_answer_goes_out_again_alone(name):
    """The second time the same request gets its answer."""

    def line(prompt, whole):
        if prompt != "p 03" or server.answered.count(prompt) > 1:
            return whole
        fault = LINES[name]
        named = isinstance(fault, dict) and "response" in fault and name not in ("no id", "foreign id")
        return {"custom_id": whole["custom_id"]} | fault if named else fault

    with batches(line=line) as server:
        assert all(isinstance(reply, ChatAnswer) for reply in ask(server))
        assert sorted(server.answered) == sorted([*PROMPTS, "p 03"])


def test_a_line_that_is_always_damaged_ends_as_one_request_without_an_answer():
    with batches(line=lambda prompt, whole: b"{" if prompt == "p 03" else whole) as server:
        with pytest.raises(UserError, match="1 of 12 requests got no answer") as caught:
            ask(server)
        assert "\n" not in str(caught.value)
        replies = ask(server, unanswered_share=0.1)
        assert [isinstance(reply, ChatFailure) for reply in replies] == [p == "p 03" for p in PROMPTS]
        assert {server.answered.count(prompt) for prompt in PROMPTS if prompt != "p 03"} == {1}


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": -9, "completion_tokens": -90_000},
        {"prompt_tokens": 10**40, "completion_tokens": 30},
        {"prompt_tokens": "many"},
        None,
    ],
)
def test_odd_usage_in_a_line_is_kept_once(usage):
    def line(_, whole):
        whole["response"]["body"] = completion(usage=usage)
        return whole

    with batches(line=line) as server:
        assert all(isinstance(reply, ChatAnswer) for reply in ask(server))
        assert sorted(server.answered) == PROMPTS


@pytest.mark.parametrize(
    "ended",
    [
        {"request_counts": {"completed": 99}},
        {"request_counts": None},
        {"request_counts": {"completed": "12"}},
        {"status": "expired"},
        {"status": "cancelled"},
        {"errors": {"data": None}},
        {"error_file_id": ""},
        {"usage": {"total_tokens": -1}},
    ],
    ids=str,
)
def test_an_odd_end_of_a_batch_loses_no_answer(ended):
    with batches(ended=ended) as server:
        assert all(isinstance(reply, ChatAnswer) for reply in ask(server))
        assert sorted(server.answered) == PROMPTS


STOPPING = {
    "402": {"status_code": 402, "body": {"error": {"message": "Insufficient balance"}}},
    "quota": {"status_code": 429, "body": {"error": {"message": "no", "code": "insufficient_quota"}}},
    "401": {"status_code": 401, "body": {"error": {"message": "no"}}},
}


@pytest.mark.parametrize("name", STOPPING)
def test_what_every_request_would_meet_keeps_the_answers_and_stops(name):
    def line(prompt, whole):
        return whole if prompt < "p 05" or mended else whole | {"response": STOPPING[name]}

    mended = []
    with batches(line=line) as server:
        with pytest.raises(UserError, match="Run again"):
            ask(server)
        mended.append(True)
        assert all(isinstance(reply, ChatAnswer) for reply in ask(server))
        assert server.answered.count("p 00") == 1


@pytest.mark.parametrize("endpoint", ["upload", "begin", "look", "results"])
@pytest.mark.parametrize(
    "said", [error(401), error(402, "Insufficient balance"), error(500)], ids=["401", "402", "500"]
)
def test_an_endpoint_that_is_down_ends_in_one_line_and_the_next_run_goes_on(endpoint, said):
    with batches({endpoint: [said] * 40}) as server:
        if endpoint == "begin" and said == error(500):
            assert all(isinstance(reply, ChatAnswer) for reply in ask(server)), (
                "the batch is found by its nonce"
            )
            return
        with pytest.raises(UserError) as caught:
            ask(server, retries=1)
        assert "\n" not in str(caught.value)
        assert KEY not in str(caught.value)
        server.faults.clear()
        assert all(isinstance(reply, ChatAnswer) for reply in ask(server))
        if endpoint != "begin":  # at this endpoint batches are started that the server does not name
            assert sorted(server.answered) == PROMPTS


@pytest.mark.parametrize("part", [KEY, KEY[4:], f"Bearer {KEY}"])
def test_a_key_that_is_echoed_in_a_batch_is_nowhere(part, tmp_path, caplog, capsys):
    caplog.set_level("DEBUG", "jz3")
    told = {
        "text": {"choices": [{"message": {"content": f"{TEXT} {part}"}}]},
        "thought": {"choices": [{"message": {"content": TEXT, "reasoning_content": part}}]},
        "only a thought": {"choices": [{"message": {"content": None, "reasoning_content": part}}]},
        "model": completion(model=part),
        "reason": completion(choice={"finish_reason": part}),
        "error in 200": {"error": {"message": part, "code": part}},
    }
    others = {
        "refused": {"response": {"status_code": 400, "body": {"error": {"message": part, "code": part}}}},
        "not run": {"response": None, "error": {"code": part, "message": part}},
        "no answer": {"response": {"status_code": 200, "body": part}},
    }

    def line(prompt, whole):
        if prompt in told:
            whole["response"]["body"] = told[prompt]
        return whole | others.get(prompt, {})

    odd = [
        {"errors": {"data": [{"code": part, "message": part, "line": part}]}},
        {"status": "failed", "errors": {"data": [{"code": part, "message": part}]}},
        {"error_file_id": part},
    ]
    said = []
    for number, ended in enumerate(odd):
        prompts = [*told, *others, *(f"{p} {number}" for p in PROMPTS)]
        with batches(ended=ended, line=line) as server:
            try:
                said += ask(server, prompts, unanswered_share=1.0, retries=1)
            except UserError as error:
                said.append(error)
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    shown = caplog.text + "".join(capsys.readouterr()) + " ".join(map(repr, said))
    assert "***" in shown
    for start in range(0, len(KEY) - 16, 4):
        assert KEY[start : start + 16].encode() not in kept
        assert KEY[start : start + 16] not in shown


@pytest.mark.parametrize("name", ["no json", "500", "missing"])
def test_the_cap_holds_as_the_server_counts_it(name):
    cap_usd = COST_USD * 8

    def line(prompt, whole):
        return whole if int(prompt[2:]) % 3 else LINES[name] if name != "500" else whole | LINES["500"]

    with batches(line=line) as server:
        for _ in range(4):
            with suppress(UserError):
                ask(server, budget_usd=cap_usd, unanswered_share=1.0)
        assert server.usd <= cap_usd + 1e-12
