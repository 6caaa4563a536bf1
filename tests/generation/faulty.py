"""A server on loopback that misbehaves, byte by byte, and counts the money that it would charge.

`answer` gives the raw bytes of each response and whether the text was written, which costs, before it broke.
"""

import gzip
import json
import socketserver
import threading
from contextlib import contextmanager

TEXT = "We add three and four, and the sum of both is seven."
USAGE = {"prompt_tokens": 20, "completion_tokens": 30}
COST_USD = (20 + 30) / 1e6


def completion(**changes):
    choice = {"message": {"content": TEXT}, "finish_reason": "stop"} | changes.pop("choice", {})
    return {"model": "m", "choices": [choice], "usage": USAGE} | changes


def response(body, status=200, headers=""):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n"
    head += f"{headers}\r\n"
    return head.encode("latin-1") + content


GOOD = response(completion())
LONG = json.dumps(completion()).encode() + b" " * (17 << 20)
"""A readable answer, longer than any that is accepted."""


def error(status, message="no", headers="", **fields):
    return response({"error": {"message": message, **fields}}, status, headers)


def events(text, *, lead="", between="\n\n"):
    """A stream of events: a text for the first of two choices, and then its end."""
    parts = [
        {"index": 0, "delta": {"content": text}},
        {"index": 1, "delta": {"content": "another choice"}},
        {"index": 0, "delta": {}, "finish_reason": "stop"},
    ]
    lines = [f"data: {json.dumps({'choices': [part]})}{between}" for part in parts]
    return response("".join([lead, *lines, "data: [DONE]", between]).encode())


def usage(**changes):
    return response(completion(usage=USAGE | changes))


KEPT = {
    "null reason": response(completion(choice={"finish_reason": None})),
    "foreign reason": response(completion(choice={"finish_reason": "eos_token"})),
    "no reason": response({"choices": [{"message": {"content": TEXT}}]}),
    "parts": response(completion(choice={"message": {"content": [{"type": "text", "text": TEXT}]}})),
    "strings": response(completion(choice={"message": {"content": [TEXT[:9], TEXT[9:]]}})),
    "text beside": response(completion(choice={"message": None, "text": TEXT})),
    "many choices": response(completion(choices=[{"message": {"content": c}} for c in (None, TEXT, "x")])),
    "model number": response(completion(model=7)),
    "usage zero": usage(prompt_tokens=0, completion_tokens=0),
    "usage negative": usage(prompt_tokens=-9, completion_tokens=-90_000),
    "usage null": response(completion(usage=None)),
    "usage list": response(completion(usage=[1])),
    "usage strings": usage(prompt_tokens="20", completion_tokens="many"),
    "usage floats": usage(prompt_tokens=20.5, completion_tokens=30.25),
    "usage overflows": usage(completion_tokens=10**40),
    "usage endless": response(json.dumps(completion()).replace("30", "9" * 5_000).encode()),
    "usage infinite": response(json.dumps(completion()).replace("30", "1e999").encode()),
    "cached above prompt": usage(prompt_tokens_details={"cached_tokens": 10**6}),
    "cached negative": usage(prompt_tokens_details={"cached_tokens": -(10**6)}),
    "half a character": response(json.dumps(completion()).replace("seven", "\\ud83d").encode()),
    "nul": response(json.dumps(completion()).replace("seven", "\\u0000").encode()),
    "utf-16": response(json.dumps(completion()).encode("utf-16")),
    "bom": response(b"\xef\xbb\xbf" + json.dumps(completion()).encode()),
    "latin-1": GOOD.replace(b"json", b"json; charset=latin-1").replace(b"sum", b"s\xfcm"),
    "odd charset": GOOD.replace(b"application/json", b"application/json; charset=no-such"),
    "gzip": response(gzip.compress(json.dumps(completion()).encode()), headers="content-encoding: gzip\r\n"),
    "events": response(
        b'data: {"choices":[{"delta":{"content":"We add."}}]}\n\n'
        b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    ),
    "named events": events("We add.", lead="id: 1\nevent: message\n"),
    "events after comments": events("We add.", lead=": keep-alive\n\n: keep-alive\n\n"),
    "events between carriage returns": events("We add.", between="\r\r"),
    "comments before it": response(b": PROCESSING\n\n: PROCESSING\n\n" + json.dumps(completion()).encode()),
    "something after it": response(json.dumps(completion()).encode() + b"\n{}"),
    "line break in the text": response(json.dumps(completion()).replace("seven", "\n\tseven").encode()),
    "message is the text": response(completion(choice={"message": TEXT})),
    "content of parts": response(completion(choice={"message": {"content": {"parts": [{"text": TEXT}]}}})),
    "empty error": response(completion(choice={"error": None}, error={})),
}  # fmt: skip
"""Complete answers, however odd the rest of the message is."""
REFUSED = {
    "403 moderation": error(403, "input flagged by moderation"),
    "400 filter": error(400, "no", code="content_filter"),
    "404 prompt": error(404, "no endpoint serves this prompt"),
    "413": error(413, "Payload Too Large"),
    "422": response({"detail": [{"loc": ["body"], "msg": "bad messages"}]}, 422),
    "451": error(451),
    "no text": response(completion(choice={"message": {"content": None}})),
    "empty text": response(completion(choice={"message": {"content": " "}, "finish_reason": "length"})),
    "refusal": response(completion(choice={"message": {"content": None, "refusal": "I will not"}})),
    "blocked": response(completion(choices=[], promptFeedback={"blockReason": "SAFETY"})),
    "moderated on the way": response(completion(choice={"error": {"code": 403, "message": "flagged"}})),
}
"""Faults that settle one prompt for good."""
PASSING = {
    **{f"{status} after": error(status) for status in (408, 420, 498, 499, 500, 502, 503, 504, 524, 529)},
    **{f"cut at {share}": GOOD[: int(len(GOOD) * share)] for share in (0, 0.02, 0.1, 0.3, 0.6, 0.9, 0.99)},
    "half gzip": response(gzip.compress(b"{}" * 99)[:20], headers="content-encoding: gzip\r\n"),
    "no gzip": response(b"plain", headers="content-encoding: gzip\r\n"),
    "unasked br": response(b"xx", headers="content-encoding: br\r\n"),
    "bomb": response(gzip.compress(LONG), headers="content-encoding: gzip\r\n"),
    "flood": response(LONG),
    "no json": response(b"<html>welcome</html>"),
    "nothing": response(b""),
    "a list": response([1]),
    "deep": response(b"[" * 100_000),
    "no choices": response(completion(choices=[])),
    "choices number": response(completion(choices=5)),
    **{
        f"broken off: {reason}": response(
            completion(choice={"message": {"content": TEXT[:9]}, "finish_reason": reason})
        )
        for reason in ("error", "abort", "ERROR", "network_error", "insufficient_system_resource")
    },
    "error beside a choice's text": response(
        completion(choice={"message": {"content": TEXT[:9]}, "error": {"code": 502, "message": "upstream"}})
    ),
    "error between events": events("We a", between='\n\ndata: {"error": {"code": 502}}\n\n'),
    "choice null": response(completion(choices=[None])),
    "error in 200": response({"error": {"message": "upstream", "code": 502}}),
    "no http": b"SSH-2.0-hello\r\n",
    "odd status": b"HTTP/1.1 abc no\r\n\r\n",
    "long header": b"HTTP/1.1 200 OK\r\nx: " + b"y" * 99_999 + b"\r\n\r\n",
    "loop": response(b"", 307, "location: /v1/chat/completions\r\n"),
    "odd place": response(b"", 307, "location: http://[::bad\r\n"),
    "nowhere": response(b"", 302),
    "bad chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    "odd words": error(500, "\ud800\x00\x1b[31m", headers="content-type: text/plain; charset=none\r\n"),
    **{
        f"429 after {text[:12]}": error(429, headers=f"retry-after: {text}\r\n")
        for text in (
            "0",
            "-5",
            "nan",
            "soon",
            "Wed, 21 Oct 99999 07:28:00 GMT",
            "Wed, 21 Oct 2015 07:28:00 GMT",
        )
    },
}
"""Faults after which another attempt may succeed; all but a refusal (429) may have been paid for."""
STOPPING = {
    "402": error(402, "Insufficient balance"),
    "quota": error(429, code="insufficient_quota"),
    "hard limit": error(400, code="billing_hard_limit_reached"),
    "401": error(401),
    "bad key": error(403, "Invalid API key"),
    "no model": error(404, "The model 'm' does not exist"),
    "parameter": error(400, "Unsupported parameter: 'seed'", code="unsupported_parameter", param="seed"),
    "long wait": error(429, headers="retry-after: 7200\r\n"),
    "huge wait": error(503, headers=f"retry-after: {'9' * 400}\r\n"),
    "wait to a date": error(
        503,
        headers="date: Wed, 21 Oct 2015 07:28:00 GMT\r\nretry-after: Wed, 21 Oct 2015 09:28:00 GMT\r\n",
    ),
}
"""Faults that every request would meet."""


class Faulty(socketserver.ThreadingTCPServer):
    """`answer(prompt, number)` gives what a request is sent, and whether it cost."""

    daemon_threads = allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer, self.asked, self.usd, self.lock = answer, 0, 0.0, threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request, client_address):
        """The client has gone."""


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        while self.rfile.readline().strip():
            headers = {}
            while (line := self.rfile.readline().strip()) != b"":
                name, _, value = line.partition(b":")
                headers[name.lower()] = value.strip()
            body = json.loads(self.rfile.read(int(headers[b"content-length"])))
            with self.server.lock:
                self.server.asked += 1
                said, paid = self.server.answer(body["messages"][0]["content"], headers)
                self.server.usd += COST_USD * paid
            self.wfile.write(said)
            self.wfile.flush()
            if not is_whole(said):
                return


def is_whole(said):
    """Whether a response is as long as it says.

    After one that is not, the connection is closed. If it were also closed after a complete one, whose
    headers do not announce that, the client could use it for the next request in the same instant, which
    would then fail for its neighbour's fault.
    """
    head, _, content = said.partition(b"\r\n\r\n")
    return f"content-length: {len(content)}\r\n".encode() in head + b"\r\n"


@contextmanager
def faulty(answer):
    with Faulty(answer) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()
