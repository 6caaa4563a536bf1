"""A server of plain completions on loopback: a model behind the OpenAI protocol, as vLLM and others serve it.

`python -m tests.generation.completions_server MODEL NAME`. It writes by the transformers engine, one request
after the other, and serves the model under NAME alone. Each third request gets a 503 once; a prompt with the
word `forbidden` is stopped by a content filter.
"""

import json
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import ROOT
from tests.generation.builders import execution
from tests.generation.provider import STARTED, Call


class Completions:
    """The app."""

    def __init__(self, model: Path, name: str):
        from transformers import AutoTokenizer

        from jz3.core.artifacts import InDir
        from jz3.generation.engines import find_model
        from jz3.generation.transformers_engine import TransformersEngine
        from jz3.tables.model_manifest import ModelManifest

        self.name, self.seen = name, Counter()
        self.engine = TransformersEngine(find_model(InDir(ModelManifest, model)), execution())
        self.tokenizer = AutoTokenizer.from_pretrained(model)

    async def __call__(self, scope, receive, send):
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        call = Call(receive, send, dict(scope["headers"]))
        asked = json.loads(body)
        self.seen[asked["seed"]] += 1
        if scope["path"] != "/v1/completions" or asked["model"] != self.name:
            await call.json(404, {"error": {"message": f"no model {asked['model']}", "code": None}})
        elif asked["seed"] % 3 == 0 and self.seen[asked["seed"]] == 1:
            await call.json(503, {"error": {"message": "loading", "code": None}})
        else:
            whole = self.completion(asked)
            if asked["seed"] % 3 == 1 and self.seen[asked["seed"]] == 1:
                whole["choices"][0] |= {"text": whole["choices"][0]["text"][:1], "finish_reason": "abort"}
            await call.json(200, whole)

    def completion(self, asked):
        from jz3.generation.engine import GenerationRequest, Sampling

        sampling = Sampling(
            temperature=asked["temperature"],
            top_p=asked["top_p"],
            max_tokens=asked["max_tokens"],
            stop=asked["stop"] or [],
        )
        request = GenerationRequest(self.tokenizer.decode(asked["prompt"]), asked["seed"])
        (written,) = self.engine.generate([request], sampling)
        reason = "content_filter" if "forbidden" in request.prompt else written.finish_reason
        return {
            "choices": [{"index": 0, "text": written.text, "finish_reason": reason}],
            "usage": {
                "prompt_tokens": written.prompt_tokens,
                "completion_tokens": written.completion_tokens,
            },
        }


@contextmanager
def serving(model: Path, name: str):
    """Runs the server in a process of its own; yields its address."""
    command = [sys.executable, "-m", "tests.generation.completions_server", str(model), name]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = next(line for line in process.stdout if line.startswith(STARTED)).removeprefix(STARTED)
        yield f"http://127.0.0.1:{port.strip()}/v1"
    finally:
        process.kill()
        process.communicate()


def main(model: str, name: str):
    import logging
    import socket

    import uvicorn

    logging.disable()
    app = Completions(Path(model), name)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(4096)
    config = uvicorn.Config(app, log_level="critical", access_log=False, lifespan="off", backlog=4096)
    print(f"{STARTED}{listening.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main(*sys.argv[1:])
