"""The problem writer behind an OpenAI-compatible endpoint on loopback.

`POST /v1/chat/completions` and `GET /v1/models`, as the `openai` client calls them. A prompt with a line
`Task: NAME` above its first heading is answered by `jz3/writer/tasks/NAME.py`; one without it asks for a new
problem. The answer is drawn by hash from the prompt and the request's `seed`: the same request always gets
the same answer. Temperature and top_p are taken and change nothing, as nothing is sampled. A token is a word
here. Answers are cut at `max_tokens` with finish reason `length`, as real servers do.

Under THINKING_MODEL it answers as the endpoints of models that reason do: it takes `max_completion_tokens`
and refuses `max_tokens` and a temperature or top_p other than 1. Its thought (jz3/writer/thinking.py) stands
in `reasoning_content`, is counted in `reasoning_tokens`, and is cut first. The text is that of MODEL.

One thread a connection; some 1,900 answers a second on one core (measured with 8 connections).
"""

import json
import re
import socket
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from jz3.core.hashing import content_id
from jz3.tables.words import KINDS, LEVEL_NAME
from jz3.writer.refusal import Refused
from jz3.writer.tasks.declare import declare
from jz3.writer.tasks.decompose import decompose
from jz3.writer.tasks.go_on import go_on
from jz3.writer.tasks.judge import judge
from jz3.writer.tasks.mask import mask
from jz3.writer.tasks.program import program
from jz3.writer.tasks.reflect import reflect
from jz3.writer.tasks.rephrase import rephrase
from jz3.writer.tasks.retell import retell
from jz3.writer.tasks.skills import skills
from jz3.writer.tasks.solve import solve
from jz3.writer.tasks.tell import tell
from jz3.writer.tasks.unknown import unknown
from jz3.writer.tasks.word_problem import word_problem
from jz3.writer.thinking import think
from jz3.writer.write import Kind, write_problem

MODEL = "jz3-writer-1"
"""The number is raised when the same request gets another answer, so that stored answers are not mixed."""
THINKING_MODEL = "jz3-thinking-writer-1"
"""The same for thought and text together."""

LEVEL = re.compile(rf"^Level: ({LEVEL_NAME.strip('^$')})$", re.MULTILINE)
KIND = re.compile(rf"^Kind: ({'|'.join(KINDS)})$", re.MULTILINE)
TASK = re.compile(r"^Task: (.*)$", re.MULTILINE)
HEADING = re.compile(r"^### ", re.MULTILINE)
"""Data stand under headings: a line there that looks like a task is none."""
PASSAGE = re.compile(r"^### Passage\n(.*)\n### New problem\s*\Z", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Asked:
    """What a prompt asks for."""

    level: str
    kind: Kind
    passage: str


def read_prompt(prompt: str) -> Asked:
    """Level, kind and passage of a prompt in one of the full templates. Raises Refused for any other text."""
    passage = PASSAGE.search(prompt)
    head = prompt[: passage.start()] if passage else ""
    level, kind = LEVEL.search(head), KIND.search(head)
    if not (passage and level and kind):
        raise Refused(
            400,
            "unreadable_prompt",
            "the problem writer reads only prompts with the lines 'Level: ...' and 'Kind: ...' and a passage "
            "between '### Passage' and a last line '### New problem'",
        )
    return Asked(level[1], "tool" if kind[1] == "tool" else "cot", passage[1].strip())


def complete(request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to the body of a chat completion request. Raises Refused."""
    model = request.get("model")
    if model not in (MODEL, THINKING_MODEL):
        raise Refused(404, "model_not_found", f"the model {model!r} does not exist")
    if model == THINKING_MODEL:
        _must_suit_thinking(request)
    if request.get("n") not in (None, 1) or request.get("stream"):
        raise Refused(400, "unsupported_value", "only one answer at a time and no stream is supported")
    prompt = _prompt(request.get("messages"))
    key = content_id(prompt, str(request.get("seed")))
    thinking = model == THINKING_MODEL
    trace, words = _answer_to(prompt, key, thinking=thinking)
    limit = request.get("max_completion_tokens") or request.get("max_tokens")
    thought, thought_tokens, finish_reason = _cut(trace, limit)
    if finish_reason == "stop":
        text, used, finish_reason = _cut(words, limit and limit - thought_tokens)
    else:
        text, used = "", 0
    message = {"role": "assistant", "content": text, "refusal": None}
    usage: dict[str, Any] = {"completion_tokens": used + thought_tokens}
    if thinking:
        message["reasoning_content"] = thought
        usage["completion_tokens_details"] = {"reasoning_tokens": thought_tokens}
    prompt_tokens = len(prompt.split())
    return {
        "id": f"chatcmpl-{key}",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}],
        "usage": {
            "prompt_tokens": prompt_tokens,
            **usage,
            "total_tokens": prompt_tokens + used + thought_tokens,
        },
    }


def _answer_to(prompt: str, key: str, *, thinking: bool) -> tuple[str, str]:
    """Thought (empty without `thinking`) and text, by the line `Task: ...` above the first heading; a prompt
    without one asks for a problem.
    """
    first = HEADING.search(prompt)
    task = TASK.search(prompt, 0, first.start() if first else len(prompt))
    if task is None:
        asked = read_prompt(prompt)
        written = write_problem(asked.level, asked.kind, asked.passage, key, "teacher")
        return think(written, asked.level, key).text if thinking else "", written.text
    match task[1]:
        case "solve":
            text = solve(prompt, key)
        case "rephrase":
            text = rephrase(prompt, key)
        case "declare":
            text = declare(prompt)
        case "unknown":
            text = unknown(prompt, key)
        case "mask":
            text = mask(prompt, key)
        case "program":
            text = program(prompt, key)
        case "judge":
            text = judge(prompt)
        case "continue":
            text = go_on(prompt, key)
        case "retell":
            text = retell(prompt, key)
        case "reflect":
            text = reflect(prompt, key)
        case "decompose":
            text = decompose(prompt, key)
        case "tell":
            text = tell(prompt, key)
        case "word_problem":
            text = word_problem(prompt, key)
        case "skills":
            text = skills(prompt, key)
        case name:
            known = (
                "'solve', 'rephrase', 'declare', 'unknown', 'mask', 'program', 'judge', 'continue', "
                "'retell', 'reflect', 'decompose', 'tell', 'word_problem' and 'skills'"
            )
            raise Refused(400, "unknown_task", f"the problem writer knows the tasks {known}, not '{name}'")
    return f"Let me try.\n{text}\nThat can be checked, so I write it down." if thinking else "", text


def _must_suit_thinking(request: Mapping[str, Any]) -> None:
    """What the endpoints of models that reason refuse."""
    if request.get("max_tokens") is not None:
        message = "'max_tokens' is not taken by this model; 'max_completion_tokens' is"
        raise Refused(400, "unsupported_parameter", message, "max_tokens")
    for name in ("temperature", "top_p"):
        if request.get(name) not in (None, 1):
            message = f"{name!r} of this model is 1, the default, and no other"
            raise Refused(400, "unsupported_value", message, name)


@contextmanager
def serve_writer() -> Generator[str]:
    """The base URL of a writer that serves on a free port of loopback until the block ends."""
    server = _WriterServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True, name="problem-writer"
    )
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        server.close_connections()


def _prompt(messages: Any) -> str:  # noqa: ANN401 (JSON as it came)
    """The texts of all messages, one after the other."""
    if not isinstance(messages, list) or not messages:
        raise Refused(400, "invalid_messages", "'messages' must be a list with at least one message")
    contents: list[Any] = [message.get("content") for message in messages if isinstance(message, dict)]
    if len(contents) != len(messages) or not all(isinstance(content, str) for content in contents):
        raise Refused(400, "invalid_messages", "each message must be an object with a text as 'content'")
    return "\n\n".join(contents)


def _cut(text: str, limit: int | None) -> tuple[str, int, str]:
    """The first `limit` words, their number, and the finish reason."""
    ends = [word.end() for word in re.finditer(r"\S+", text)]
    if limit is None or len(ends) <= limit:
        return text, len(ends), "stop"
    if not limit:
        return "", 0, "length"
    return text[: ends[limit - 1]], limit, "length"


class _WriterServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # connections that a client keeps alive must not hold up the end
    request_queue_size = 1024  # hundreds of connections come at once

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self._open: set[socket.socket] = set()

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 (socketserver's types)
        self._open.add(request)
        try:
            super().finish_request(request, client_address)
        except ConnectionError:
            pass  # the client went away; its answer has no reader
        finally:
            self._open.discard(request)

    def close_connections(self) -> None:
        for connection in tuple(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # closed meanwhile


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections alive
    disable_nagle_algorithm = True  # else each answer waits 40 ms for an acknowledgement

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            models = [
                {"id": name, "object": "model", "created": 0, "owned_by": "jz3"}
                for name in (MODEL, THINKING_MODEL)
            ]
            self._answer(200, {"object": "list", "data": models})
        else:
            self._refuse(Refused(404, "unknown_url", f"unknown request URL: GET {self.path}"))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/v1/chat/completions":
            self._refuse(Refused(404, "unknown_url", f"unknown request URL: POST {self.path}"))
            return
        try:
            self._answer(200, complete(_object(body)))
        except Refused as refused:
            self._refuse(refused)

    def _refuse(self, refused: Refused) -> None:
        self._answer(refused.status, refused.body())

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 (as the base class has it)
        """Say nothing: what was asked and answered stands in the row store."""


def _object(body: bytes) -> dict[str, Any]:
    try:
        content: Any = json.loads(body)
    except ValueError as error:
        raise Refused(400, "invalid_json", f"the body is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise Refused(400, "invalid_json", "the body is not a JSON object")
    return content
