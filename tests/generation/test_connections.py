"""Requests and answers pass whole between the openai client and a server, whatever lies on the way.

The other end is a server on loopback that says what it was sent.
"""

import asyncio
import gzip
import json
import ssl
from contextlib import asynccontextmanager

import pytest

from jz3.generation.chat import Body, ChatRequest
from jz3.generation.openai import Client, Endpoint, Setback, open_client

REQUEST = ChatRequest("test", "m", "a prompt \u00e9", temperature=0.6, top_p=1.0, max_tokens=100, seed=0)

CERTIFIED_KEY = """\
-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIPm5K/Yc9hWHL0CX5A0qu5kiwHYyDQby3cwQlh2/AWTNoAoGCCqGSM49
AwEHoUQDQgAEC3niB48CWgy1i0mP45lVTn8SfztL0yS42ik+0dygP3t2Dn0z4MUh
YvRA1Cbj+wmuNIme997qiRgxKcumuQqzow==
-----END EC PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBpzCCAU6gAwIBAgIULe9PYG/fIfFE1hbVS5HbBbVV6+swCgYIKoZIzj0EAwIw
IDEeMBwGA1UEAwwVbG9vcGJhY2sgb2YgdGhlIHRlc3RzMCAXDTI2MTEyMTE4MTAx
OFoYDzIxMjYxMDI4MTgxMDE4WjAgMR4wHAYDVQQDDBVsb29wYmFjayBvZiB0aGUg
dGVzdHMwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQLeeIHjwJaDLWLSY/jmVVO
fxJ/O0vTJLjaKT7R3KA/e3YOfTPgxSFi9EDUJuP7Ca40iZ733uqJGDEpy6a5CrOj
o2QwYjAdBgNVHQ4EFgQUr7hwYV1rEmIhUWh11ZcF76i4DnIwHwYDVR0jBBgwFoAU
r7hwYV1rEmIhUWh11ZcF76i4DnIwDwYDVR0TAQH/BAUwAwEB/zAPBgNVHREECDAG
hwR/AAABMAoGCCqGSM49BAMCA0cAMEQCIGS17ktc3VSwnzpPtzfPi1ACkLsuQ9BD
nLkgm0EJvGT3AiAEkSPUzmA9RtacA8zPooIfS+jT1MvfJ0wtnKUaGUALhQ==
-----END CERTIFICATE-----
"""
"""Of 127.0.0.1, by itself, for a hundred years: `openssl req -x509 -addext subjectAltName=IP:127.0.0.1`."""


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
async def place(secured=None):
    there = Place()
    server = await asyncio.start_server(there.answer, "127.0.0.1", 0, ssl=secured)
    async with server:
        yield there, f"{'https' if secured else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"


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


def test_a_key_goes_only_to_a_server_whose_certificate_holds(tmp_path, monkeypatch):
    certificate = tmp_path / "certificate.pem"
    certificate.write_text(CERTIFIED_KEY)
    secured = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    secured.load_cert_chain(certificate)

    async def run():
        async with place(secured) as (there, url):
            async with open_client(Endpoint(f"{url}/whole", "k"), 5, 4) as client:
                refused = await client.chat(REQUEST)
            assert isinstance(refused, Setback)
            assert "certificate verify failed" in refused.reason
            assert not there.asked
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
            async with open_client(Endpoint(f"{url}/whole", "k"), 5, 4) as client:
                assert await ask(client) == sent()

    asyncio.run(run())
