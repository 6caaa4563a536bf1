"""The problem writer behind an OpenAI-compatible endpoint on loopback.

`POST /v1/chat/completions` and `GET /v1/models`, as the `openai` client calls them. A prompt with a line
`Task: NAME` above its first heading is answered by `jz3/writer/tasks/NAME.py`; one without it asks for a new
problem. The answer is drawn by hash from the prompt and the request's `seed`: the same request always gets
the same answer. Temperature and top_p are accepted but change nothing, because nothing is sampled. Here a
token is a word. Answers are cut at `max_tokens` with finish reason `length`, as by real servers.

Under ERRING_MODEL it errs deliberately, at rates by level (jz3/writer/erring/planted.py).

A request whose body names families under `refuses` gets no problem of theirs, in any task: it represents a
teacher that knows nothing about them, so that no data hold them.

Under THINKING_MODEL it answers like the endpoints of reasoning models: it accepts `max_completion_tokens` and
refuses `max_tokens` and a temperature or top_p other than 1. Its thought (jz3/writer/thinking.py) is in
`reasoning_content`, is counted in `reasoning_tokens`, and is cut first. The text is that of MODEL.

It uses one thread per connection and gives some 1,900 answers per second on one core (measured with 8
connections).
"""

import json
import re
import socket
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from jz3.core.hashing import content_id
from jz3.tables.words import KINDS, LEVEL_NAME
from jz3.writer.erring.planted import Erred, err
from jz3.writer.refusal import Refused
from jz3.writer.refused_families import asks_of, refused_families
from jz3.writer.tasks.concept_questions import concept_questions
from jz3.writer.tasks.concepts import concepts
from jz3.writer.tasks.declare import declare
from jz3.writer.tasks.decompose import decompose
from jz3.writer.tasks.document_questions import document_questions
from jz3.writer.tasks.go_on import go_on
from jz3.writer.tasks.judge import judge
from jz3.writer.tasks.manner import UNKNOWN
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
"""Raise the number when a request gets another answer than before, so that stored answers do not mix."""
ERRING_MODEL = "jz3-writer-2"
"""Errs deliberately (jz3/writer/erring/planted.py); otherwise its text is that of MODEL."""
THINKING_MODEL = "jz3-thinking-writer-1"
"""Raise its number likewise, for thought and text together."""
MODELS = (MODEL, ERRING_MODEL, THINKING_MODEL)

LEVEL = re.compile(rf"^Level: ({LEVEL_NAME.strip('^$')})$", re.MULTILINE)
KIND = re.compile(rf"^Kind: ({'|'.join(KINDS)})$", re.MULTILINE)
TASK = re.compile(r"^Task: (.*)$", re.MULTILINE)
HEADING = re.compile(r"^### ", re.MULTILINE)
"""Headings begin data, in which a line that looks like a task does not count."""
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


TASKS: Mapping[str, Callable[[str, str], str]] = {
    "solve": solve,
    "rephrase": rephrase,
    "declare": lambda prompt, _: declare(prompt),
    "unknown": unknown,
    "mask": mask,
    "program": program,
    "judge": lambda prompt, _: judge(prompt),
    "continue": go_on,
    "retell": retell,
    "reflect": reflect,
    "decompose": decompose,
    "tell": tell,
    "word_problem": word_problem,
    "concepts": concepts,
    "document_questions": document_questions,
    "concept_questions": concept_questions,
    "skills": skills,
}
"""For each name in a line `Task: ...`, what answers it from the prompt and a key of prompt and seed."""


def complete(request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to the body of a chat completion request. Raises Refused."""
    model = request.get("model")
    if model not in MODELS:
        raise Refused(404, "model_not_found", f"the model {model!r} does not exist")
    if model == THINKING_MODEL:
        _must_suit_thinking(request)
    if request.get("n") not in (None, 1) or request.get("stream"):
        raise Refused(400, "unsupported_value", "only one answer at a time and no stream is supported")
    prompt = _prompt(request.get("messages"))
    key = content_id(prompt, str(request.get("seed")))
    thinking = model == THINKING_MODEL
    trace, words = _answer_to(prompt, key, refused_families(request.get("refuses")), thinking=thinking)
    erred = err(_task_of(prompt), prompt, words, key) if model == ERRING_MODEL else Erred(words, "stop", None)
    limit = request.get("max_completion_tokens") or request.get("max_tokens")
    thought, thought_tokens, finish_reason = _cut(trace, limit)
    if finish_reason == "stop":
        text, used, finish_reason = _cut(erred.text, limit and limit - thought_tokens)
        finish_reason = erred.finish_reason if finish_reason == "stop" else finish_reason
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


def planted(prompt: str, seed: int | None) -> tuple[str, Erred]:
    """The right answer to a request, and ERRING_MODEL's answer with its error. Raises Refused."""
    key = content_id(prompt, str(seed))
    _, right = _answer_to(prompt, key, frozenset(), thinking=False)
    return right, err(_task_of(prompt), prompt, right, key)


def _task_of(prompt: str) -> str | None:
    """The task that a line above the first heading names."""
    first = HEADING.search(prompt)
    task = TASK.search(prompt, 0, first.start() if first else len(prompt))
    return task and task[1]


def _answer_to(prompt: str, key: str, refused: frozenset[str], *, thinking: bool) -> tuple[str, str]:
    """Thought (empty without `thinking`) and text, by the line `Task: ...` above the first heading; a prompt
    without one asks for a problem.
    """
    task = _task_of(prompt)
    if task is None:
        asked = read_prompt(prompt)
        written = write_problem(asked.level, asked.kind, asked.passage, key, "teacher", refused)
        return think(written, asked.level, key).text if thinking else "", written.text
    if refused and asks_of(prompt, refused):
        text = UNKNOWN
    elif task in TASKS:
        text = TASKS[task](prompt, key)
    else:
        known = ", ".join(TASKS)
        raise Refused(400, "unknown_task", f"the problem writer knows the tasks {known}, not '{task}'")
    return f"Let me try.\n{text}\nThat can be checked, so I write it down." if thinking else "", text


def _must_suit_thinking(request: Mapping[str, Any]) -> None:
    """Raise Refused for fields that endpoints of reasoning models refuse."""
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
    """The texts of all messages, joined."""
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
    block_on_close = False  # connections that a client keeps alive must not delay the end
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
                continue  # closed in the meantime


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections alive
    disable_nagle_algorithm = True  # otherwise each answer waits 40 ms for an acknowledgement

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            models = [{"id": name, "object": "model", "created": 0, "owned_by": "jz3"} for name in MODELS]
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
        """Log nothing: the row store has requests and answers."""


def _object(body: bytes) -> dict[str, Any]:
    try:
        content: Any = json.loads(body)
    except ValueError as error:
        raise Refused(400, "invalid_json", f"the body is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise Refused(400, "invalid_json", "the body is not a JSON object")
    return content
