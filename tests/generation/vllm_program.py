"""Stands in for the Python of an environment with vLLM: `PROGRAM -m vllm.entrypoints.cli.main serve ...`.

It takes the command line of `vllm serve`, requires its key, reports at /health that it is well, and writes
token ids by rule (`written_ids`): it starts in a second, since it does not import torch. `installed` gives
the program a path. In the folder that JZ3_TEST_NOTES names it notes how it was started (`starts`, one line
per process) and which seeds it answered (`answered`), and it takes orders from `orders.json`: seconds that an
answer takes, seeds that kill it, which of its starts fail, the GPUs on which each start fails, and those on
which any request kills it. Each server also leaves behind a process in a session of its own, as an engine
might.
"""

import asyncio
import hashlib
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import uvicorn

from tests.conftest import ROOT
from tests.generation.provider import Call


def installed(folder: Path) -> str:
    """A program that execution.vllm_python can name."""
    program = folder / "python"
    program.write_text(
        f"#!/bin/sh\nPYTHONPATH='{ROOT}' exec '{sys.executable}' -m tests.generation.vllm_program \"$@\"\n"
    )
    program.chmod(0o755)
    return str(program)


def options(words):
    assert words[:3] == ["-m", "vllm.entrypoints.cli.main", "serve"], words
    model, rest = words[3], words[4:]
    found = {}
    while rest:
        name = rest.pop(0)
        assert name.startswith("--"), name
        found[name] = rest.pop(0) if rest and not rest[0].startswith("--") else True
    return model, found


def written_ids(prompt, seed, max_tokens):
    """Token ids by rule, at most ten: letters of the tests' models, and an end token if there is one."""
    drawn = hashlib.sha256(json.dumps([prompt, seed]).encode()).digest()
    count = 3 + drawn[0] % 8
    ids = [2 + 33 + letter % 26 for letter in drawn[1:count]] + [1]
    return (ids, "stop") if count <= max_tokens else (ids[:max_tokens], "length")


class App:
    def __init__(self, given, notes, orders):
        self.given, self.notes, self.orders = given, notes, orders

    async def __call__(self, scope, receive, send):
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = dict(scope["headers"])
        call = Call(receive, send, headers)
        if scope["path"] == "/health":
            await call.json(200, {})
        elif headers.get(b"authorization") != f"Bearer {os.environ['VLLM_API_KEY']}".encode():
            await call.json(401, {"error": {"message": "Unauthorized", "code": 401}})
        else:
            await call.json(200, await self.completion(json.loads(body)))

    async def completion(self, asked):
        assert asked["model"] == self.given["--served-model-name"]
        gpus = os.environ.get("CUDA_VISIBLE_DEVICES")
        if asked["seed"] in self.orders.get("ended_by", []) or gpus in self.orders.get("ends_on", []):
            os._exit(139)
        await asyncio.sleep(self.orders.get("seconds", 0))
        ids, reason = written_ids(asked["prompt"], asked["seed"], asked["max_tokens"])
        with (self.notes / "answered").open("a") as file:
            file.write(f"{asked['seed']}\n")
        choice = {"index": 0, "text": "what is in the ids counts", "finish_reason": reason}
        if asked.get("return_token_ids"):
            choice["token_ids"] = ids
        usage = {"prompt_tokens": len(asked["prompt"]), "completion_tokens": len(ids)}
        return {"choices": [choice], "usage": usage}


def main(words):
    _, given = options(words)
    notes = Path(os.environ["JZ3_TEST_NOTES"])
    file = notes / "orders.json"
    orders = json.loads(file.read_text()) if file.exists() else {}
    left = subprocess.Popen(["sleep", "600"], start_new_session=True)
    with (notes / "starts").open("a") as starts:
        told = {
            "gpus": os.environ.get("CUDA_VISIBLE_DEVICES"),
            "sampler": os.environ.get("VLLM_USE_FLASHINFER_SAMPLER"),
            "programs": os.environ["PATH"].split(os.pathsep),
        }
        said = {"pid": os.getpid(), "left": left.pid, **told, **given}
        starts.write(json.dumps(said) + "\n")
    number = len((notes / "starts").read_text().splitlines())
    if number in orders.get("fails_at_start", []) or told["gpus"] in orders.get("fails_on", []):
        sys.exit("ValueError: no memory for the cache of keys and values")
    logging.disable()
    app = App(given, notes, orders)
    config = uvicorn.Config(app, log_level="critical", access_log=False, lifespan="off")
    config.host, config.port = given["--host"], int(given["--port"])
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main(sys.argv[1:])
