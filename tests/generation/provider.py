"""A provider of chat completions on loopback, an ASGI app in its own process, that fails as real ones do.

A prompt's first word says what happens: one of WHOLE, or a fault, which occurs at the first request for it or
(`always-...`) at each. It counts requests, complete answers, answers into broken connections, and the money
(a millionth of a USD a token, half of it in batches). `GET /state` tells, `POST /set` changes, `POST /reset`
starts over.
"""

import asyncio
import json
import subprocess
import sys
import urllib.request
import uuid
from collections import Counter
from contextlib import contextmanager

from tests.conftest import ROOT

USAGE = {"completion_tokens": 50}
STARTED = "listens on "
WHOLE = ("fine", "halves")
"""Answered at once; `halves` with half a character in the answer."""


class Provider:
    """The app. One process, one event loop."""

    def __init__(self):
        self.seen, self.answered, self.broken = Counter(), Counter(), Counter()
        self.usd, self.delay_s, self.at_once, self.most_at_once = 0.0, 0.0, 0, 0
        self.times, self.files, self.batches, self.uploads = [], {}, {}, []
        self.batch = {
            "polls": 2,
            "ends": "completed",
            "answers": 1.0,
            "token_limit": 10**9,
            "cut_downloads": 0,
        }
        self.lose_creation = self.hold = False

    async def __call__(self, scope, receive, send):
        assert scope["type"] == "http"
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        path, method = scope["path"], scope["method"]
        call = Call(receive, send, dict(scope["headers"]))
        if path == "/v1/chat/completions":
            await self.chat(call, json.loads(body))
        elif path == "/state":
            await call.json(200, self.state())
        elif path == "/reset":
            self.__init__()
            await call.json(200, {})
        elif path == "/set":
            changes = json.loads(body)
            self.batch |= changes.pop("batch", {})
            vars(self).update(changes)
            await call.json(200, {})
        else:
            await self.batch_api(call, method, path, body)

    def state(self):
        names = ("seen", "answered", "broken", "usd", "most_at_once", "times", "uploads")
        batches = [{k: v for k, v in b.items() if k != "results"} for b in self.batches.values()]
        return {name: getattr(self, name) for name in names} | {"batches": batches}

    async def chat(self, call, asked):
        prompt = asked["messages"][0]["content"]
        self.seen[prompt] += 1
        self.times.append(asyncio.get_running_loop().time())
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self.delay_s)
            fault = prompt.split()[0]
            if fault.startswith("always-"):
                await self.fail(call, fault.removeprefix("always-"), prompt, asked)
            elif fault not in WHOLE and self.seen[prompt] == 1:
                await self.fail(call, fault, prompt, asked)
            else:
                await self.answer(call, prompt, asked)
        finally:
            self.at_once -= 1

    async def fail(self, call, fault, prompt, asked):
        if fault.isdigit():
            said = call.headers.get(b"authorization", b"").decode()
            await call.json(int(fault), {"error": {"message": f"no, {said}", "code": None}})
        elif fault == "asks":
            await call.json(429, {"error": {"message": "slow down", "code": None}}, [(b"retry-after", b"1")])
        elif fault == "quota":
            await call.json(429, {"error": {"message": "no money", "code": "insufficient_quota"}})
        elif fault == "drops":
            call.drop()
        elif fault == "truncates":  # paid for, and lost on the way
            self.pay(prompt, asked)
            self.broken[prompt] += 1
            whole = json.dumps(completion(prompt, asked)).encode()
            await call.start(200, len(whole))
            await call.send(
                {"type": "http.response.body", "body": whole[: len(whole) // 2], "more_body": True}
            )
            await asyncio.sleep(0.01)
            call.drop()
        elif fault == "garbles":
            await call.bytes(200, b"{not json")
        elif fault == "chooses-none":
            await call.json(200, completion(prompt, asked) | {"choices": []})
        elif fault == "doubles":
            twice = completion(prompt, asked)
            self.pay(prompt, asked)
            self.answered[prompt] += 1
            await call.json(200, twice | {"choices": twice["choices"] * 2})
        elif fault == "trickles":  # a stream that starts, but is slower than anyone waits
            await call.start(200, 1000)
            for _ in range(100):
                await call.send({"type": "http.response.body", "body": b" ", "more_body": True})
                await asyncio.sleep(0.1)

    async def answer(self, call, prompt, asked):
        self.pay(prompt, asked)
        self.answered[prompt] += 1
        await call.json(200, completion(prompt, asked))

    def pay(self, prompt, asked, share=1.0):
        usage = completion(prompt, asked)["usage"]
        self.usd += share * (usage["prompt_tokens"] + usage["completion_tokens"]) / 1e6

    async def batch_api(self, call, method, path, body):
        parts = path.split("/")[2:]
        if not path.startswith("/v1/"):
            await call.json(404, {"error": {"message": f"no {path}", "code": None}})
        elif parts == ["files"] and method == "POST":
            name = f"file-{uuid.uuid4().hex}"
            part = next(
                part for part in body.split(b"--" + body[2 : body.index(b"\r\n")]) if b"jsonl" in part
            )
            self.files[name] = part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
            self.uploads.append(len(self.files[name]))
            await call.json(200, file_object(name, len(self.files[name])))
        elif parts == ["batches"] and method == "POST":
            begun = self.begin(json.loads(body))
            if self.lose_creation:
                self.lose_creation = self.hold = False
                call.drop()
            else:
                await call.json(200, begun)
        elif parts == ["batches"]:
            data = [shown(batch) for batch in self.batches.values()]
            await call.json(200, {"object": "list", "data": data, "has_more": False})
        elif parts[0] == "batches" and parts[1] in self.batches:
            batch = self.batches[parts[1]]
            batch["polls"] -= 1
            if batch["polls"] <= 0 and not self.hold and batch["status"] == "in_progress":
                self.end(batch)
            await call.json(200, shown(batch))
        elif parts[0] == "files" and parts[1] in self.files:
            content = self.files[parts[1]]
            if self.batch["cut_downloads"]:
                self.batch["cut_downloads"] -= 1
                content = content[: len(content) * 2 // 3]
            await call.bytes(200, content)
        else:
            await call.json(404, {"error": {"message": f"no {path}", "code": None}})

    def begin(self, asked):
        lines = [json.loads(line) for line in self.files[asked["input_file_id"]].splitlines()]
        for line in lines:
            self.seen[line["body"]["messages"][0]["content"]] += 1
        batch = {
            "id": f"batch-{uuid.uuid4().hex}",
            "input_file_id": asked["input_file_id"],
            "metadata": asked["metadata"],
            "status": "in_progress",
            "polls": self.batch["polls"],
            "requests": len(lines),
            "tokens": sum(len(line["body"]["messages"][0]["content"]) // 3 for line in lines),
            "counts": {"total": len(lines), "completed": 0, "failed": 0},
        }
        self.batches[batch["id"]] = batch
        return shown(batch)

    def end(self, batch):
        lines = [json.loads(line) for line in self.files[batch["input_file_id"]].splitlines()]
        if batch["tokens"] > self.batch["token_limit"]:
            batch["status"] = "failed"
            batch["errors"] = [
                {"code": "token_limit_exceeded", "message": "Enqueued token limit", "line": None}
            ]
            return
        batch["status"] = self.batch["ends"]
        answers, errors = [], []
        for place, line in enumerate(lines):
            prompt, asked = line["body"]["messages"][0]["content"], line["body"]
            fault = prompt.split()[0]
            if place >= len(lines) * self.batch["answers"]:
                errors.append(line_of(line, None, {"code": "batch_expired", "message": "too late"}))
            elif fault == "always-400" or (fault not in WHOLE and self.seen[prompt] == 1):
                status = int(fault.rpartition("-")[2]) if fault[-1].isdigit() else 500
                errors.append(
                    line_of(line, {"status_code": status, "body": {"error": {"message": "no"}}}, None)
                )
            else:
                self.pay(prompt, asked, 0.5)
                self.answered[prompt] += 1
                answers.append(line_of(line, {"status_code": 200, "body": completion(prompt, asked)}, None))
        batch["counts"] = {"total": len(lines), "completed": len(answers), "failed": len(errors)}
        for name, rows in (("output_file_id", answers[::-1] + answers[:1]), ("error_file_id", errors)):
            if rows:  # out of order, and one of them twice
                batch[name] = f"file-{uuid.uuid4().hex}"
                self.files[batch[name]] = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
        self.batch["ends"], self.batch["answers"] = "completed", 1.0


class Call:
    """The way back of one request."""

    def __init__(self, receive, send, headers):
        self.receive, self.send, self.headers = receive, send, headers

    async def start(self, status, length, headers=()):
        named = [(b"content-type", b"application/json"), (b"content-length", str(length).encode()), *headers]
        await self.send({"type": "http.response.start", "status": status, "headers": named})

    async def bytes(self, status, content, headers=()):
        await self.start(status, len(content), headers)
        await self.send({"type": "http.response.body", "body": content})

    async def json(self, status, content, headers=()):
        await self.bytes(status, json.dumps(content).encode(), headers)

    def drop(self):
        """Break the connection; `receive` is a method of the server's object that holds it."""
        self.receive.__self__.transport.abort()


def completion(prompt, asked):
    text = f"re: {prompt} seed {asked['seed']}"
    if prompt.startswith("halves"):
        text += " \ud83d and \U0001f600"
    message = {"role": "assistant", "content": text}
    details = {"cached_tokens": 1}
    usage = {"prompt_tokens": len(prompt.split()), "prompt_tokens_details": details, **USAGE}
    return {
        "model": "served",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": usage | {"total_tokens": usage["prompt_tokens"] + usage["completion_tokens"]},
    }


def line_of(line, response, error):
    return {"id": "x", "custom_id": line["custom_id"], "response": response, "error": error}


def file_object(name, size):
    return {"id": name, "object": "file", "bytes": size, "created_at": 1, "filename": "f", "purpose": "batch",
            "status": "processed"}  # fmt: skip


def shown(batch):
    """A batch in the form of the protocol."""
    names = ("id", "input_file_id", "metadata", "status", "output_file_id", "error_file_id")
    return {name: batch.get(name) for name in names} | {
        "object": "batch",
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
        "created_at": 1,
        "request_counts": batch["counts"],
        "errors": {"object": "list", "data": batch["errors"]} if "errors" in batch else None,
    }


class Running:
    """The provider as the tests see it."""

    def __init__(self, root):
        self.root, self.url = root, f"{root}/v1"

    @property
    def state(self):
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            f"{self.root}/state"
        ) as answer:
            return json.loads(answer.read())

    @property
    def seen(self):
        return Counter(self.state["seen"])

    @property
    def answered(self):
        return Counter(self.state["answered"])

    def set(self, **changes):
        self._post("set", changes)

    def reset(self):
        """Reset it to the state at the start."""
        self._post("reset", {})

    def _post(self, what, content):
        asked = urllib.request.Request(f"{self.root}/{what}", json.dumps(content).encode(), method="POST")
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked).read()


@contextmanager
def running_provider():
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.generation.provider"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield Running(f"http://127.0.0.1:{line.removeprefix(STARTED).strip()}")
    finally:
        process.kill()
        process.communicate()


def main():
    import logging
    import socket

    import uvicorn

    logging.disable()
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(4096)
    config = uvicorn.Config(Provider(), log_level="critical", access_log=False, lifespan="off", backlog=4096)
    print(f"{STARTED}{listening.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
