"""A server of chat completions on loopback that answers each request after a delay, in a process of its own.

Reads HTTP itself, as little of it as the benchmark's clients write, so that the server takes a small part of
a core and the client is what is measured. It answers any GET with the core seconds that it has used so far.
"""

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager

TEXT = "[Problem]\n" + "How many are there in all? " * 20 + "\n[Solution]\n" + "There are some. " * 90
"""About as long as a real answer: 2,000 characters."""
BODY = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "served",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 300, "completion_tokens": 500, "total_tokens": 800},
    }
).encode()


def answer_of(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % len(body) + body


ANSWER = answer_of(BODY)


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"GET"):
            self._transport.write(answer_of(str(time.process_time()).encode()))
            return
        self._received += data
        head = self._received.find(b"\r\n\r\n")
        if head >= 0 and len(self._received) >= head + 4 + content_length(bytes(self._received[:head])):
            self._received.clear()  # a client sends no second request before the first is answered
            asyncio.get_running_loop().call_later(self._delay_s, self._transport.write, ANSWER)


def content_length(head: bytes) -> int:
    lower = head.lower()
    start = lower.index(b"content-length:") + len(b"content-length:")
    return int(lower[start:].split(b"\r\n", 1)[0])


async def serve(delay_s: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(delay_s), "127.0.0.1", 0, backlog=4096)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await server.serve_forever()


def core_s(url: str) -> float:
    """Core seconds that a server has used since it started."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(url) as answer:
        return float(answer.read())


@contextmanager
def answering_server(delay_s: float) -> Generator[str]:
    """The base URL of a server that runs until the block ends."""
    process = subprocess.Popen([sys.executable, __file__, str(delay_s)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
