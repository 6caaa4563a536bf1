"""Between the openai client and a server that may send anything: limits on size, and clean connections.

- A body is read up to a limit, which applies after unpacking, too; only gzip and deflate are requested.
- A server's error is passed on as it came (`Refusal`); it is interpreted elsewhere, because its text may be
  in no known charset.
- A connection on which something came without a request is closed: taken for the next answer, it would be
  stored under another request's key. What arrives while the next request is in flight cannot be told from its
  answer, because HTTP/1.1 does not number them.

Costs some 10 microseconds per request.
"""

import zlib
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx2

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

ENCODINGS = "gzip, deflate"
ANSWER_BYTES = 16 << 20
"""Bytes of an answer (chosen: 128,000 tokens of 20 characters, each escaped sixfold, are 15 MB)."""
FILE_BYTES = 4 << 30
"""Bytes of a batch's results (chosen: 50,000 answers of 80 kB)."""
ERROR_BYTES = 1 << 16
"""Bytes of an error's text (chosen)."""
ZLIB_OR_GZIP = 47
"""The window bits with which zlib accepts either header."""


class Refusal(Exception):  # noqa: N818 (an answer of the protocol)
    """A status other than success, or a redirect that leads nowhere."""

    def __init__(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
        super().__init__(f"HTTP {status}")
        self.status, self.headers, self.content = status, headers, content


class Oversized(Exception):  # noqa: N818 (an answer that nobody can use)
    """A body above its limit."""


class Transport(httpx2.AsyncBaseTransport):
    """Wraps openai's aiohttp transport."""

    def __init__(self, inner: Any) -> None:  # noqa: ANN401 (a vendored class without a public name)
        self._inner = inner
        inner.client = lambda: aiohttp.ClientSession(
            connector=Connector(
                limit=inner.limits.max_connections,
                keepalive_timeout=inner.limits.keepalive_expiry,
                ssl=inner.ssl_context,
            )
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The response, with its body still to be read; raises Refusal."""
        request.headers["accept-encoding"] = ENCODINGS
        response: httpx2.Response = await self._inner.handle_async_request(request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        encoding = response.headers.pop("content-encoding", "identity")
        most = FILE_BYTES if request.method == "GET" else ANSWER_BYTES
        body = Body(response.stream, encoding.strip().lower(), most)
        if response.status_code >= 300 and not response.has_redirect_location:
            raise Refusal(response.status_code, response.headers, await body.start(ERROR_BYTES))
        response.stream = body
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class Connector(aiohttp.TCPConnector):
    """Connections; one that has data before its request was sent is not used again."""

    async def _get(self, key: "ConnectionKey", traces: "list[Trace]") -> "Connection | None":
        for waiting, _ in self._conns.get(key, ()):
            if waiting.should_close:
                waiting.close()
        return await super()._get(key, traces)


class Body(httpx2.AsyncByteStream):
    """A body, unpacked, of at most `most` bytes. Raises Oversized, or ValueError or zlib.error if it is
    invalid.
    """

    def __init__(self, packed: httpx2.AsyncByteStream, encoding: str, most: int) -> None:
        self._packed, self._encoding, self._left = packed, encoding, most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._encoding in ("", "identity"):
            async for chunk in self._packed:
                yield self._counted(chunk)
            return
        if self._encoding not in ("gzip", "x-gzip", "deflate"):
            raise ValueError(f"the answer is packed by {self._encoding!r}, {ENCODINGS} were asked for")
        unpacking = Unpacking()
        async for chunk in self._packed:
            yield self._counted(unpacking.unpacked(chunk, self._left))
        if not unpacking.whole:
            raise ValueError("the packed answer ends before its end")

    def _counted(self, piece: bytes) -> bytes:
        self._left -= len(piece)
        if self._left < 0:
            raise Oversized("the answer is longer than any that is read")
        return piece

    async def aclose(self) -> None:
        """Return the connection to the pool."""
        await self._packed.aclose()

    async def start(self, count: int) -> bytes:
        """The first bytes, as far as they can be read."""
        content = b""
        try:
            async for piece in self:
                content += piece
                if len(content) >= count:
                    break
        except (ValueError, zlib.error, Oversized, httpx2.TransportError, aiohttp.ClientError):
            return content[:count]  # the status is enough
        finally:
            await self.aclose()
        return content[:count]


class Unpacking:
    """Members of gzip, or one stream of deflate with or without its header."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(ZLIB_OR_GZIP)
        self._begun = False

    @property
    def whole(self) -> bool:
        """Whether it ended where it should; an empty body is complete."""
        return self._stream.eof or not self._begun

    def unpacked(self, packed: bytes, most: int) -> bytes:
        """The next unpacked bytes; one byte more than `most` if they are longer."""
        pieces: list[bytes] = []
        while packed and most >= 0:
            if self._stream.eof:
                packed = packed.lstrip(b"\0")  # padding between members
                if not packed:
                    break
                self._stream = zlib.decompressobj(ZLIB_OR_GZIP)
            try:
                piece = self._stream.decompress(packed, most + 1)
            except zlib.error:
                if self._begun:
                    raise
                self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
                piece = self._stream.decompress(packed, most + 1)
            self._begun = True
            packed = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
            pieces.append(piece)
            most -= len(piece)
        return b"".join(pieces)
