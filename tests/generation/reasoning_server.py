"""A server on loopback that behaves like endpoints of reasoning models, according to their public references.

It refuses fields as they do, in their words, and answers by Chat Completions, Responses and batch files of
both, with the thoughts in the place that `shape` names. It counts its requests.
"""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

THOUGHT = "Three and four: is it \\boxed{8}? No, I count again."
TEXT = "We add three and four, and the sum of both is seven."
DETAILS = {"completion_tokens_details": {"reasoning_tokens": 18}}
USAGE = {"prompt_tokens": 20, "completion_tokens": 40, "total_tokens": 60}


def chat(message, finish="stop", **usage):
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return {"object": "chat.completion", "model": "m", "choices": [choice], "usage": USAGE | usage}


def response(*items, status="completed", reason=None, thought=18):
    details = {"reason": reason} if reason else None
    usage = {"input_tokens": 20, "input_tokens_details": {"cached_tokens": 5}, "output_tokens": 40}
    usage |= {"output_tokens_details": {"reasoning_tokens": thought}, "total_tokens": 60}
    return {"object": "response", "model": "m", "status": status, "incomplete_details": details,
            "error": None, "output": list(items), "usage": usage}  # fmt: skip


def item(kind, name="summary", part="summary_text", text=THOUGHT):
    return {"id": "x", "type": kind, "role": "assistant", name: [{"type": part, "text": text}]}


SAID = item("message", "content", "output_text", TEXT)
PART = {"type": "text", "text": TEXT}
HARMONY = f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>{TEXT}"
SHOWN = {
    "reasoning_content": chat({"content": TEXT, "reasoning_content": THOUGHT}, **DETAILS),
    "reasoning": chat({"content": TEXT, "reasoning": THOUGHT, "reasoning_content": None}),
    "both names": chat({"content": TEXT, "reasoning": THOUGHT, "reasoning_content": THOUGHT}),
    "thinking": chat({"content": TEXT, "thinking": THOUGHT}),
    "details": chat(
        {"content": TEXT, "reasoning_details": [{"type": "reasoning.text", "text": THOUGHT}]}, **DETAILS
    ),
    "parts": chat({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]}, PART]}),
    "reasoning part": chat({"content": [{"type": "reasoning", "text": THOUGHT}, PART]}),
    "tags": chat({"content": f"<think>\n{THOUGHT}\n</think>\n\n{TEXT}"}),
    "tag of the template": chat({"content": f"{THOUGHT}\n</think>\n\n{TEXT}"}),
    "channels": chat({"content": HARMONY}),
    "summary": response(item("reasoning"), SAID),
    "reasoning text": response(item("reasoning", "content", "reasoning_text"), SAID),
}
"""Answers with the thought THOUGHT and the text TEXT."""
HIDDEN = {
    "chat": chat({"content": TEXT}, **DETAILS),
    "responses": response({"id": "x", "type": "reasoning", "summary": []}, SAID),
}
"""The same, with the thought counted but not shown."""
CUT = {
    "chat": chat({"content": "", "reasoning_content": THOUGHT}, "length", **DETAILS),
    "null": chat({"content": None, "reasoning": THOUGHT}, "length"),
    "hidden": chat({"content": ""}, "length", completion_tokens_details={"reasoning_tokens": 40}),
    "responses": response(item("reasoning"), status="incomplete", reason="max_output_tokens"),
    "responses, hidden": response(status="incomplete", reason="max_output_tokens", thought=40),
}
"""Answers cut at the limit while the model was thinking."""
TEXTLESS = {
    "chat": chat({"content": "", "reasoning_content": THOUGHT}, **DETAILS),
    "null": chat({"content": None, "reasoning": THOUGHT}, "eos_token"),
    "no reason": chat({"content": None, "reasoning_content": THOUGHT}, None),
    "hidden": chat({"content": ""}, completion_tokens_details={"reasoning_tokens": 40}),
    "responses": response(item("reasoning")),
}
"""Answers that ended by themselves, but that the server took for thoughts in full."""


def refused(message, field, code="unsupported_parameter"):
    return {"error": {"message": message, "type": "invalid_request_error", "param": field, "code": code}}


def refusal(path, body):
    """The refusal of OpenAI's reasoning models; None if they accept the request."""
    if path.endswith("/responses"):
        taken = {
            "model",
            "instructions",
            "input",
            "max_output_tokens",
            "reasoning",
            "text",
            "store",
            "include",
        }
    else:
        taken = {"model", "messages", "max_completion_tokens", "reasoning_effort", "response_format", "n"}
        taken |= {"seed", "thinking", "chat_template_kwargs"}
    if "max_tokens" in body:
        words = "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
        return refused(f"{words}'max_completion_tokens' instead.", "max_tokens")
    if body.get("temperature", 1) != 1:
        words = "Unsupported value: 'temperature' does not support 0.6 with this model."
        return refused(words, "temperature", "unsupported_value")
    unknown = sorted(set(body) - taken - {"temperature"})
    return (
        refused(f"Unknown parameter: '{unknown[0]}'.", unknown[0], "unknown_parameter") if unknown else None
    )


class Reasoner(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer, self.refuse = answer, refusal
        self.asked, self.files, self.batches = [], {}, {}
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1"

    def reply(self, path, body):
        self.asked.append((path, body))
        said = self.refuse(path, body)
        return (400, said) if said else (200, self.answer(body))

    def begun(self, asked):
        """The batch of a file, which has ended at once."""
        name, results, completed = f"batch-{len(self.batches)}", [], 0
        for line in self.files[asked["input_file_id"]].splitlines():
            line = json.loads(line)
            assert line["url"] == asked["endpoint"]
            status, body = self.reply(line["url"], line["body"])
            completed += status == 200
            said = {"status_code": status, "body": body}
            results.append(json.dumps({"custom_id": line["custom_id"], "response": said}) + "\n")
        self.files[f"out-{name}"] = "".join(results).encode()
        counts = {"total": len(results), "completed": completed, "failed": len(results) - completed}
        self.batches[name] = {"id": name, "status": "completed", "metadata": asked["metadata"],
                              "output_file_id": f"out-{name}", "request_counts": counts}  # fmt: skip
        return self.batches[name]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        content = self.rfile.read(int(self.headers["content-length"]))
        server = self.server
        if self.path == "/v1/files":
            part = next(part for part in content.split(content[: content.index(b"\r\n")]) if b"jsonl" in part)
            name = f"file-{len(server.files)}"
            server.files[name] = part.partition(b"\r\n\r\n")[2].strip()
            self.say(200, json.dumps({"id": name, "object": "file"}).encode())
        elif self.path == "/v1/batches":
            self.say(200, json.dumps(server.begun(json.loads(content))).encode())
        else:
            status, body = server.reply(self.path, json.loads(content))
            self.say(status, json.dumps(body).encode())

    def do_GET(self):
        parts = self.path.split("/")[2:]
        if parts[0] == "files":
            self.say(200, self.server.files[parts[1]])
        else:
            self.say(200, json.dumps(self.server.batches[parts[1]]).encode())

    def say(self, status, content):
        self.send_response_only(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        """Log nothing."""


@contextmanager
def reasoner(answer):
    """A server that returns `answer` to each body that it does not refuse."""
    with Reasoner(answer if callable(answer) else lambda _: answer) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()
