"""A model server on loopback for `benchmarks/rebuild.py`: it writes problems by hash, and counts its calls.

The same prompt at the same temperature gets the same answer, whatever else a request holds, so that what a
pipeline should have made follows from its inputs alone. Of the answers 3 % have no line with the answer, 15 %
repeat one of 40 problems, 20 % are wrong, and a fifth have fewer words than the filter asks for. `GET /calls`
says how many calls were answered, in all.
"""

import asyncio
import json
import subprocess
import sys
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from hashlib import blake2b
from random import Random

WORDS = ["boat", "farm", "book", "tree", "road", "lamp", "bird", "shop", "wall", "coin", "river", "stone"]


def completion(prompt: str, temperature: float) -> str:
    """What the model writes."""
    draw = Random(blake2b(f"{temperature:g} {prompt}".encode(), digest_size=8).digest())
    problem = Random(draw.randrange(40)) if draw.random() < 0.15 else draw
    words = [problem.choice(WORDS) for _ in range(problem.randrange(5, 45))]
    left, right, sign = problem.randrange(100, 1000), problem.randrange(100, 1000), problem.choice("+-*")
    true = {"+": left + right, "-": left - right, "*": left * right}[sign]
    given = true + (problem.random() < 0.2)
    text = f"Problem: Of {' and '.join(words)}, find {left} {sign} {right}."
    return text if draw.random() < 0.03 else f"{text}\nAnswer: {given:,}"


class Teacher:
    """Answers chat completions, each after a delay."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self.calls = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, request after request, until the client closes it."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                body = await reader.readexactly(content_length(head))
                writer.write(await self._answer(head, body))
                await writer.drain()
                if "connection: close" in head.lower():
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client is gone: clients of this benchmark are killed
        finally:
            writer.close()

    async def _answer(self, head: str, body: bytes) -> bytes:
        if head.startswith("GET /calls"):
            return http_answer({"calls": self.calls})
        if head.startswith("GET"):
            return http_answer({"object": "list", "data": [{"id": "teacher", "object": "model"}]})
        asked = json.loads(body)
        if not asked["messages"]:  # a client that wants only the headers
            return http_answer({"error": {"message": "messages must not be empty"}}, "400 Bad Request")
        await asyncio.sleep(self._delay_s)
        self.calls += 1
        content = asked["messages"][-1]["content"]
        prompt = content if isinstance(content, str) else "".join(part["text"] for part in content)
        return http_answer(chat_completion(completion(prompt, float(asked.get("temperature", 1.0)))))


def chat_completion(text: str) -> dict[str, object]:
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "teacher",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 60, "completion_tokens": 60, "total_tokens": 120},
    }


def content_length(head: str) -> int:
    lengths = [line for line in head.lower().split("\r\n") if line.startswith("content-length:")]
    return int(lengths[0].split(":")[1]) if lengths else 0


def http_answer(body: dict[str, object], status: str = "200 OK") -> bytes:
    text = json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n"
    return head.encode() + text


async def main(delay_s: float) -> None:
    server = await asyncio.start_server(Teacher(delay_s).serve, "127.0.0.1", 0, backlog=4096)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def calls_of(url: str) -> int:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(f"{url}/calls") as answer:
        return int(json.load(answer)["calls"])


@contextmanager
def teaching_server(delay_s: float) -> Generator[str]:
    """The address, without /v1, of a server that runs until the block ends."""
    process = subprocess.Popen([sys.executable, __file__, str(delay_s)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
