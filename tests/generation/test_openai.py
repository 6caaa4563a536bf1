"""Requests and answers pass whole between the openai client and a server, whatever lies on the way.

The other end is a server on loopback that says what it was sent.
"""

import asyncio
import gzip
import json
from contextlib import asynccontextmanager

import pytest

from jz3.generation.chat import ChatRequest
from jz3.generation.client import Client, Endpoint, open_client
from jz3.generation.served_answers import Body

REQUEST = ChatRequest("test", "m", "a prompt \u00e9", temperature=0.6, top_p=1.0, max_tokens=100, seed=0)


class Place:
    """Answers at /whole with what it was sent, at /zipped too, and elsewhere says where to go."""

    def __init__(self):
        self.asked = []

    async def answer(self, reader, writer):
        while head := await reader.readline():
            lines = [head]
            while (line := await reader.readline()) != b"\r\n":
                lines.append(line)
            headers = dict(line.decode().lower().strip().split(": ", 1) for line in lines[1:])
            body = await reader.readexactly(int(headers["content-length"]))
            self.asked.append((head.decode().split()[1], headers, json.loads(body)))
            writer.write(self.reply(self.asked[-1][0], body))
            await writer.drain()
        writer.close()

    def reply(self, path, body):
        if path.startswith("/moved"):
            return b"HTTP/1.1 307 Moved\r\nlocation: /whole/chat/completions\r\ncontent-length: 0\r\n\r\n"
        said = {"choices": [{"message": {"content": body.decode()}, "finish_reason": "stop"}]}
        content = json.dumps(said).encode()
        zipped = b"content-encoding: gzip\r\n" if path.startswith("/zipped") else b""
        content = gzip.compress(content) if zipped else content
        return b"HTTP/1.1 200 OK\r\n%bcontent-length: %d\r\n\r\n%b" % (zipped, len(content), content)


@asynccontextmanager
async def place():
    there = Place()
    server = await asyncio.start_server(there.answer, "127.0.0.1", 0)
    async with server:
        yield there, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def ask(client: Client) -> str | None:
    body = await client.chat(REQUEST)
    assert isinstance(body, Body), body
    return body.choices[0].message.content


def sent() -> str:
    return json.dumps(REQUEST.body(), ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize("path", ["whole", "zipped", "moved"])
def test_an_answer_comes_whole_whatever_was_done_to_it_on_the_way(path):
    async def run():
        async with place() as (there, url), open_client(Endpoint(f"{url}/{path}", "k"), 5, 4) as client:
            assert await ask(client) == sent()
            assert await ask(client) == sent(), "the connection is good for another request"
        assert all(headers["authorization"] == "bearer k" for _, headers, _ in there.asked)
        assert all(headers["content-type"] == "application/json" for _, headers, _ in there.asked)

    asyncio.run(run())


def test_the_proxy_of_the_environment_leads_to_other_machines_and_not_to_this_one(monkeypatch):
    async def run():
        async with place() as (proxy, url), place() as (there, direct):
            monkeypatch.setenv("http_proxy", url)
            monkeypatch.delenv("no_proxy", raising=False)
            for base_url in ("http://teacher.invalid/v1", f"{direct}/whole"):
                async with open_client(Endpoint(base_url, "k"), 5, 4) as client:
                    assert await ask(client) == sent()
            assert [path for path, _, _ in proxy.asked] == ["http://teacher.invalid/v1/chat/completions"]
            assert [path for path, _, _ in there.asked] == ["/whole/chat/completions"]

    asyncio.run(run())


def test_an_answer_that_comes_late_on_an_idle_connection_is_nobodys():
    """A server that answers the first request twice, the second time when nothing is on its way."""
    reply = Place().reply("/whole", b"late")

    class Late(Place):
        async def answer(self, reader, writer):
            asyncio.get_running_loop().call_later(0.05, writer.write, reply)
            await super().answer(reader, writer)

    async def run():
        there = Late()
        server = await asyncio.start_server(there.answer, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/whole"
        async with server, open_client(Endpoint(url, "k"), 5, 4) as client:
            for _ in range(2):
                assert await ask(client) == sent()
                await asyncio.sleep(0.2)

    asyncio.run(run())
