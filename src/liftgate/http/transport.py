"""The ways an exchange with Gemini can be had: heads of requests made ready, connections found or made, bodies sent.

Knows HTTP, not Gemini's methods. No cookies, no redirects, no ~/.netrc, no compression: an answer of a model is small,
and what takes time to unpack is better sent as it is. Belongs to the event loop that first sends on it.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from urllib.parse import unquote

from liftgate.byte_source import PIECE, ByteSource
from liftgate.deadlines import Deadlines, Within
from liftgate.errors import InternalError, InvalidRequest, Unavailable, UpstreamDisconnected, UpstreamProtocolError
from liftgate.http.connection import Answer, Connection
from liftgate.http.network import CONNECTING, PORTS, EnvironmentProxies, Proxy, broken, reach, split
from liftgate.large_bodies import Body

Headers = Mapping[str, str]

_OURS = frozenset({"host", "connection", "content-length", "transfer-encoding", "expect", "upgrade", "te", "trailer"})
"""Headers that say how a message is framed or sent on: no one else's to set."""


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """Seconds and bytes."""

    keep_alive: float = 60.0
    """A connection is kept after its last exchange."""
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


@dataclass(frozen=True, slots=True)
class Head:
    """A request without its body and the body's length: where it goes, its first line and headers. Holds a key."""

    origin: Origin
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is short and all here. `headers` by name in lower case."""

    status: int
    headers: Headers
    body: bytes


class Origin:
    """Where connections go: one scheme, host and port, straight or through a proxy. Makes them, keeps the free ones. Of
    one event loop. `secure` gives the TLS context when one is needed. Times in seconds."""

    def __init__(
        self,
        address: tuple[str, str, int],
        proxy: Proxy | None,
        secure: Callable[[], ssl.SSLContext],
        deadlines: Deadlines,
        *,
        connect: float,
        keep_alive: float,
    ) -> None:
        self._address = address
        self.proxy = proxy
        self._secure = secure
        self._deadlines = deadlines
        self._connect_seconds = connect
        self._keep_alive = keep_alive
        self._free: list[Connection] = []
        self._all: set[Connection] = set()
        self._sweeping = False

    @property
    def authority(self) -> str:
        """As in a Host header."""
        scheme, name, port = self._address
        host = f"[{name}]" if ":" in name else name
        return host if port == PORTS[scheme] else f"{host}:{port}"

    def take_free(self) -> Connection | None:
        """The connection that was used last, which the other side is least likely to have given up."""
        oldest = monotonic() - self._keep_alive
        while self._free:
            connection = self._free.pop()
            if connection.free_since < oldest:
                connection.close()
            elif connection.is_open():
                return connection
        return None

    async def connect(self) -> Connection:
        """A new one. Raises UpstreamDisconnected, UpstreamTimeout, UpstreamProtocolError (TLS)."""
        try:
            async with asyncio.timeout(self._connect_seconds):
                connection = await reach(self._address, self.proxy, self._secure, self._made)
        except OSError as error:
            raise broken(error, CONNECTING) from None
        self._all.add(connection)
        return connection

    def connections(self) -> tuple[int, int]:
        return len(self._all) - len(self._free), len(self._free)

    def close(self) -> None:
        """Ends all connections, and the exchanges on them."""
        self._free.clear()
        for connection in tuple(self._all):
            connection.abort()

    # ── what a connection tells ──────────────────────────────────────────────────────────────────

    def _put_back(self, connection: Connection) -> None:
        connection.free_since = monotonic()
        self._free.append(connection)
        if not self._sweeping:
            self._sweeping = True
            self._deadlines.call_later(self._keep_alive, self._sweep)

    def _lost(self, connection: Connection) -> None:
        self._all.discard(connection)
        if connection in self._free:
            self._free.remove(connection)

    def _sweep(self) -> None:
        """Closes what was free for too long; comes back while anything is free."""
        oldest = monotonic() - self._keep_alive
        for connection in [each for each in self._free if each.free_since < oldest]:
            self._free.remove(connection)
            connection.close()
        self._sweeping = bool(self._free)
        if self._sweeping:
            self._deadlines.call_later(self._keep_alive, self._sweep)

    def _made(self) -> Connection:
        return Connection(asyncio.get_running_loop(), self._put_back, self._lost)


class Transport:
    """Sends requests; what it raises is typed."""

    def __init__(self, limits: ClientLimits, headers: Headers | None = None) -> None:
        self.limits = limits
        self.deadlines = Deadlines()
        self._headers = {"User-Agent": "liftgate", "Accept-Encoding": "identity", **(headers or {})}
        self._proxies = EnvironmentProxies()
        self.origins: dict[tuple[str, str, int], Origin] = {}
        self._tls: ssl.SSLContext | None = None
        self._closed = False

    def head(self, method: str, url: str, headers: Headers) -> Head:
        """Of a request to `url`, an absolute one, already quoted. Raises UpstreamProtocolError when it is none, and
        InvalidRequest for a header that cannot be sent."""
        parts, host = split(url)
        port = PORTS[parts.scheme] if parts.port is None else parts.port
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        origin = self._origin(parts.scheme, host, port)
        fields = {"host": ("Host", origin.authority)}
        if parts.username is not None:
            user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            fields["authorization"] = ("Authorization", "Basic " + base64.b64encode(user.encode()).decode())
        if origin.proxy is not None and parts.scheme == "http":
            target = f"http://{origin.authority}{target}"
            if origin.proxy.credentials:
                fields["proxy-authorization"] = ("Proxy-Authorization", origin.proxy.credentials)
        for name, value in (*self._headers.items(), *headers.items()):
            if name.lower() in _OURS or not name.isascii() or not (name + value).isprintable():
                raise InvalidRequest(f"The header {name!r} cannot be sent to Gemini.")
            fields[name.lower()] = (name, value)
        rows = "".join(f"{name}: {value}\r\n" for name, value in fields.values())
        try:
            return Head(origin, f"{method} {target} HTTP/1.1\r\n{rows}".encode("latin-1"))
        except UnicodeEncodeError:
            raise InvalidRequest("A header or a key for Gemini has characters that a header cannot have.") from None

    async def send(self, head: Head, body: Body | None = None) -> Answer:
        """The answer as soon as its head is there. UpstreamTimeout, UpstreamDisconnected, UpstreamProtocolError.

        Only connecting has a time limit here: the caller waits within `deadlines`."""
        connection = head.origin.take_free() or await self._connect(head.origin)
        rest: Body = b""
        if body is None:
            request = b"%b\r\n" % head.data
        elif len(body) <= PIECE:
            request = b"".join((head.data, b"Content-Length: %d\r\n\r\n" % len(body), body))
        else:
            request, rest = b"%bContent-Length: %d\r\n\r\n" % (head.data, len(body)), body
        answer = connection.ask(request, complete=not rest)
        try:
            if rest:
                await _send_rest(connection, answer, rest)
            while not answer.begun:
                await answer.more()
            return answer
        except BaseException:
            # Not the connection's end: it may be another exchange's by now.
            answer.close()
            raise

    async def send_source(self, head: Head, source: ByteSource, start: int, stop: int, *, silence: Within) -> Answer:
        """As `send`, with the bytes [start, stop) of `source`; an answer before their end ends the sending.

        `silence` counts while the network takes a piece (`limits.idle`) and while the answer is awaited
        (`limits.chunk_answer`), not while `source` is waited for. What `source` raises passes unchanged.
        """
        connection = head.origin.take_free() or await self._connect(head.origin)
        wanted, given = stop - start, 0
        answer = connection.ask(b"%bContent-Length: %d\r\n\r\n" % (head.data, wanted), complete=False)
        pieces = source.read(start, stop)
        try:
            while given < wanted and not answer.wants_no_more:
                silence.restart(None)
                piece = await anext(pieces, b"")
                given += len(piece)
                if given > wanted or not piece:
                    raise InternalError(f"A byte source gave {given} bytes where {wanted} were asked for.")
                silence.restart(self.limits.idle)
                await connection.write(piece, last=given == wanted)
            silence.restart(self.limits.chunk_answer)
            while not answer.begun:
                await answer.more()
            return answer
        except BaseException:
            answer.close()
            raise
        finally:
            aclose = getattr(pieces, "aclose", None)
            if aclose is not None:
                await aclose()

    async def exchange(self, head: Head, body: bytes | None, *, seconds: float) -> Reply:
        """A whole exchange about something small. Raises as `send`; UpstreamTimeout after so many seconds.

        What has no body only asks or deletes: where the connection ends before an answer, as one that was kept for too
        long does, it is sent once more (RFC 9110, 9.2.2).
        """
        try:
            with self.deadlines.within(seconds):
                try:
                    answer = await self.send(head, body)
                except UpstreamDisconnected:
                    if body is not None:
                        raise
                    answer = await self.send(head, body)
                return await self.reply(answer)
        except TimeoutError as error:
            raise broken(error) from None

    async def reply(self, answer: Answer) -> Reply:
        """All of a short answer; UpstreamProtocolError for one that is larger than any of its kind."""
        parts: list[bytes] = []
        left = self.limits.small_body
        try:
            while piece := await answer.read_some():
                parts.append(piece)
                left -= len(piece)
                if left < 0:
                    raise UpstreamProtocolError(f"Gemini's answer is larger than {self.limits.small_body} bytes.")
        except BaseException:
            answer.close()
            raise
        return Reply(answer.status, answer.headers, b"".join(parts))

    def close(self) -> None:
        """Ends all exchanges; later calls raise Unavailable."""
        self._closed = True
        for origin in self.origins.values():
            origin.close()

    def _origin(self, scheme: str, host: str, port: int) -> Origin:
        address = (scheme, host, port)
        origin = self.origins.get(address)
        if origin is None:
            origin = self.origins[address] = Origin(
                address,
                self._proxies.proxy_for(*address),
                self._secure,
                self.deadlines,
                connect=self.limits.connect,
                keep_alive=self.limits.keep_alive,
            )
        return origin

    async def _connect(self, origin: Origin) -> Connection:
        self._refuse_if_closed()
        connection = await origin.connect()
        try:
            self._refuse_if_closed()
        except Unavailable:
            connection.abort()
            raise
        return connection

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise Unavailable("Liftgate is shutting down.")

    def _secure(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls


async def _send_rest(connection: Connection, answer: Answer, body: Body) -> None:
    """A large body in pieces, so that the event loop gets its turn between them."""
    view = memoryview(body)
    for at in range(0, len(body), PIECE):
        if answer.wants_no_more:
            return
        await connection.write(view[at : at + PIECE], last=at + PIECE >= len(body))
