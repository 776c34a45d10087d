"""One aiohttp session, and the ways an exchange with Gemini can be had on it. Knows HTTP, not Gemini's methods.

Made lazily inside the running loop, closed with the client. No cookies, no redirects, no ~/.netrc.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from liftgate.deadlines import Deadlines
from liftgate.errors import Unavailable, UpstreamProtocolError
from liftgate.gemini.network import NETWORK, EnvironmentProxies, broken

Headers = Mapping[str, str]

LARGE = 256 * 1024
"""Bytes of a body above which it is written in pieces, so that the event loop gets its turn between them."""


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """Seconds, connections and bytes. `connections` over all hosts, and `per_host`: 0 is no limit, more wait."""

    connections: int = 0
    per_host: int = 0
    keep_alive: float = 60.0
    connect: float = 10.0
    """To make one connection."""
    call: float = 60.0
    """For a call about a file, an upload's start or query."""
    idle: float = 60.0
    """Without the network taking a byte of a chunk."""
    chunk_answer: float = 180.0
    """From a chunk's last byte to its answer: Gemini hashes the whole file before it answers a finalize."""
    small_body: int = 4 * 1024 * 1024
    """Bytes of an answer that is about a file, an upload or an error."""


class Transport:
    """Sends requests; what it raises is typed."""

    def __init__(self, limits: ClientLimits, headers: Headers | None = None) -> None:
        self.limits = limits
        self._headers = headers or {}
        self._proxies = EnvironmentProxies()
        self._session: aiohttp.ClientSession | None = None
        self._closed = False
        self._connecting = aiohttp.ClientTimeout(total=None, sock_connect=limits.connect)
        self.deadlines = Deadlines()

    async def send(
        self,
        method: str,
        url: URL,
        *,
        headers: Headers,
        timeout: aiohttp.ClientTimeout | None = None,
        data: Any = None,
    ) -> aiohttp.ClientResponse:
        """The answer as soon as its head is there. UpstreamTimeout, UpstreamDisconnected, UpstreamProtocolError.

        Without a `timeout` only connecting has one: the caller waits within `deadlines`, which cost less.
        """
        if timeout is None:
            timeout = self._connecting
        if type(data) is bytes and len(data) > LARGE:
            data = io.BytesIO(data)
        session = self._session or self._open()
        proxy = self._proxies.of(url)
        try:
            if proxy is None:
                return await session.request(
                    method, url, data=data, headers=headers, timeout=timeout, allow_redirects=False
                )
            return await session.request(
                method,
                url,
                data=data,
                headers={**headers, **(proxy.headers or {})},
                timeout=timeout,
                allow_redirects=False,
                proxy=proxy.url,
                proxy_headers=proxy.connect_headers,
            )
        except NETWORK as error:
            # `from None`: the cause's request holds the key, and its text the upload's URL.
            raise broken(error) from None

    async def body(self, response: aiohttp.ClientResponse) -> bytes:
        """The whole body of an answer, however large; the connection goes back to the pool, or is closed."""
        try:
            return await response.read()
        except NETWORK as error:
            raise broken(error) from None
        except BaseException:
            response.close()
            raise

    async def small_body(self, response: aiohttp.ClientResponse) -> bytes:
        """As `body`, but UpstreamProtocolError for an answer that is larger than any of its kind."""
        parts: list[bytes] = []
        left = self.limits.small_body
        try:
            while piece := await response.content.readany():
                parts.append(piece)
                left -= len(piece)
                if left < 0:
                    raise UpstreamProtocolError(f"Gemini's answer is larger than {self.limits.small_body} bytes.")
        except NETWORK as error:
            response.close()
            raise broken(error) from None
        except BaseException:
            response.close()
            raise
        response.release()
        return b"".join(parts)

    def deadline(self, total: float | None) -> aiohttp.ClientTimeout:
        """`total` seconds for the exchange."""
        return aiohttp.ClientTimeout(total=total, sock_connect=self.limits.connect)

    async def close(self) -> None:
        """Ends all connections; later calls raise Unavailable."""
        self._closed = True
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._closed:
            raise Unavailable("Liftgate is shutting down.")
        limits = self.limits
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=limits.connections,
                limit_per_host=limits.per_host,
                keepalive_timeout=limits.keep_alive,
                ttl_dns_cache=60,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "liftgate", **self._headers},
            trust_env=False,
        )
        return self._session
