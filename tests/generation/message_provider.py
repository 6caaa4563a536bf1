"""A server of Message Batches on loopback, as Anthropic's reference describes them.

Names of requests are unique and fit their pattern; until all have ended, requests count as processing; the
list has the newest first and no names; results are lines in another order, once the batch has ended.
"""

import json
import re
import threading
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
PATH = "/v1/messages/batches"


def error(kind, message="no"):
    return {"type": "error", "error": {"type": kind, "message": message}}


def message(prompt):
    return {
        "type": "message",
        "role": "assistant",
        "model": "served",
        "content": [{"type": "thinking", "thinking": "Hm.", "signature": "s"},
                    {"type": "text", "text": f"re: {prompt}"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 4, "output_tokens": 20},
    }  # fmt: skip


class MessageProvider(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.batches, self.seen, self.answered = [], Counter(), Counter()
        self.read = []
        """Batches whose results were read."""
        self.looks, self.hold, self.lose_creation, self.lose_results = 2, False, False, 0
        self.answers = 1.0
        """Share of the next batch that is answered before it expires."""
        self.day = datetime.now(UTC).date().isoformat()
        """On which a batch is created: today, for the client asks for none that is older than its own."""

    def begin(self, requests):
        names = [request["custom_id"] for request in requests]
        if len(set(names)) < len(names) or not all(NAME.fullmatch(name) for name in names):
            return None
        for request in requests:
            self.seen[request["params"]["messages"][0]["content"]] += 1
        number = len(self.batches)
        self.batches.append({"id": f"msgbatch_{number:02}", "requests": requests, "looks": self.looks,
                             "ended": False, "created": f"{self.day}T10:00:{number:02}Z"})  # fmt: skip
        return self.batches[-1]

    def look(self, batch):
        batch["looks"] -= 1
        if batch["looks"] <= 0 and not self.hold and not batch["ended"]:
            batch["ended"] = True
            share, self.answers = self.answers, 1.0
            count = len(batch["requests"])
            outcomes = [
                self.outcome(request["params"], too_late=place >= count * share)
                for place, request in enumerate(batch["requests"])
            ]
            named = zip(batch["requests"], outcomes, strict=True)
            batch["results"] = [
                {"custom_id": request["custom_id"], "result": result} for request, result in named
            ][::-1]

    def outcome(self, params, *, too_late):
        prompt = params["messages"][0]["content"]
        if too_late:
            return {"type": "expired"}
        if prompt.startswith("refused"):
            return {"type": "errored", "error": error("invalid_request_error", "too long a prompt")}
        if prompt.startswith("hindered") and self.seen[prompt] == 1:
            return {"type": "errored", "error": error("api_error")}
        self.answered[prompt] += 1
        return {"type": "succeeded", "message": message(prompt)}

    def shown(self, batch):
        kinds = Counter(line["result"]["type"] for line in batch.get("results", []))
        counts = {kind: kinds[kind] for kind in ("succeeded", "errored", "canceled", "expired")}
        left = len(batch["requests"]) - kinds.total()
        return {
            "id": batch["id"],
            "type": "message_batch",
            "processing_status": "ended" if batch["ended"] else "in_progress",
            "request_counts": {"processing": left, **counts},
            "created_at": batch["created"],
            "ended_at": batch["created"] if batch["ended"] else None,
            "results_url": f"{self.url}{PATH}/{batch['id']}/results" if batch["ended"] else None,
        }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        content = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path != PATH:
            return self.say(404, error("not_found_error"))
        batch = self.server.begin(content["requests"])
        if batch is None:
            return self.say(400, error("invalid_request_error", "requests: names are not unique"))
        if self.server.lose_creation:
            self.server.lose_creation = False
            self.close_connection = True
            return None
        return self.say(200, self.server.shown(batch))

    def do_GET(self):
        parts, server = urlsplit(self.path), self.server
        if parts.path == PATH:
            query = parse_qs(parts.query)
            newest = server.batches[::-1]
            if "after_id" in query:
                newest = newest[[one["id"] for one in newest].index(query["after_id"][0]) + 1 :]
            page = newest[: min(2, int(query["limit"][0]))]  # pages are short, so that there are several
            for batch in page:
                server.look(batch)
            return self.say(200, {"data": [server.shown(one) for one in page],
                                  "has_more": len(newest) > len(page)})  # fmt: skip
        name, _, what = parts.path.removeprefix(f"{PATH}/").partition("/")
        batch = next((one for one in server.batches if one["id"] == name), None)
        if batch is None or (what and not batch["ended"]):
            return self.say(404, error("not_found_error"))
        if what and server.lose_results:
            server.lose_results -= 1
            self.close_connection = True
            return None
        if what:
            server.read.append(name)
            return self.send(200, b"".join(json.dumps(line).encode() + b"\n" for line in batch["results"]))
        server.look(batch)
        return self.say(200, server.shown(batch))

    def say(self, status, content):
        self.send(status, json.dumps(content).encode())

    def send(self, status, content):
        self.send_response_only(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        """Log nothing."""


@contextmanager
def message_provider():
    with MessageProvider() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()
