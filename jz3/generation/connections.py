"""The connections of the openai client: what it asks for, sent by aiohttp with nothing in between.

The openai client has an `httpx2.AsyncClient` build each request and send it. Here both are short: there are
no headers, cookies and addresses to merge anew, no chain of authentication, and an answer comes whole.
Redirects and compressed answers are aiohttp's. Costs some 300 microseconds of one core a request.
"""

import urllib.request
from typing import Any

import aiohttp
import httpx2

SENT_AS = (b"content-encoding", b"content-length", b"transfer-encoding")
"""Headers of how an answer was sent; aiohttp has undone it."""


class Connections(httpx2.AsyncClient):
    """As much of httpx2's client as openai needs, for one event loop. Errors are aiohttp's."""

    def __init__(self, concurrency: int, connect_s: float, *, local: bool) -> None:
        """`local`: no proxy leads there."""
        super().__init__(transport=httpx2.AsyncBaseTransport())
        self._concurrency, self._connect_s, self._local = concurrency, connect_s, local
        self._session: aiohttp.ClientSession | None = None
        self._addresses: dict[str, httpx2.URL] = {}

    def build_request(self, method: str, url: httpx2.URL | str, **named: Any) -> httpx2.Request:  # noqa: ANN401
        """A request in openai's words, which has all its headers."""
        named.pop("timeout", None)  # of one request: its caller has a limit for all of it
        return httpx2.Request(method, self._address(str(url)), **named)

    async def send(self, request: httpx2.Request, **_: Any) -> httpx2.Response:  # noqa: ANN401
        """The answer, whole."""
        session = self._session or self._open(request.url)
        body = await request.aread()
        headers = [(name.decode(), value.decode()) for name, value in request.headers.raw]
        async with session.request(request.method, str(request.url), headers=headers, data=body) as answer:
            content = await answer.read()
        kept = [pair for pair in answer.raw_headers if pair[0].lower() not in SENT_AS]
        return httpx2.Response(answer.status, headers=kept, content=content, request=request)

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
        await super().aclose()

    def _address(self, url: str) -> httpx2.URL:
        """Read once: there are few."""
        if url not in self._addresses:
            self._addresses[url] = httpx2.URL(url)
        return self._addresses[url]

    def _open(self, url: httpx2.URL) -> aiohttp.ClientSession:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._concurrency, ssl=httpx2.create_ssl_context()),
            timeout=aiohttp.ClientTimeout(sock_connect=self._connect_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=None if self._local else _proxy(url),
        )
        return self._session


def _proxy(url: httpx2.URL) -> str | None:
    """The one that the environment names for an address."""
    return None if urllib.request.proxy_bypass(url.host) else urllib.request.getproxies().get(url.scheme)
