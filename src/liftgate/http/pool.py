"""Where connections go: one scheme, host and port, straight or through a proxy. Makes them, and keeps the free ones.

Addresses of both families are tried at once, as RFC 8305 says (aiohappyeyeballs); TLS with the system's certificates.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable
from time import monotonic
from typing import Any, TypeVar

import aiohappyeyeballs

from liftgate.deadlines import Deadlines
from liftgate.errors import UpstreamDisconnected
from liftgate.http.connection import LONGEST_HEAD, Connection
from liftgate.http.network import CONNECTING, PORTS, Proxy, broken

P = TypeVar("P", bound=asyncio.Protocol)

EYEBALLS = 0.25
"""Seconds after which the next address is tried as well."""


class Origin:
    """Of one event loop. `secure` gives the TLS context when one is needed. Times in seconds."""

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
        self.scheme, self.host, self.port = address
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
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    def free(self) -> Connection | None:
        """The connection that was used last, which the other side is least likely to have given up."""
        oldest = monotonic() - self._keep_alive
        while self._free:
            connection = self._free.pop()
            if connection.free_since < oldest:
                connection.close()
            elif connection.is_open:
                return connection
        return None

    async def connect(self) -> Connection:
        """A new one. Raises UpstreamDisconnected, UpstreamTimeout, UpstreamProtocolError (TLS)."""
        try:
            async with asyncio.timeout(self._connect_seconds):
                connection = await self._connected()
        except OSError as error:
            raise broken(error, CONNECTING) from None
        self._all.add(connection)
        return connection

    def close(self) -> None:
        """Ends all connections, and the exchanges on them."""
        self._free.clear()
        for connection in tuple(self._all):
            connection.abort()

    # ── what a connection tells ──────────────────────────────────────────────────────────────────

    def _freed(self, connection: Connection) -> None:
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

    # ── the way there ────────────────────────────────────────────────────────────────────────────

    async def _connected(self) -> Connection:
        loop = asyncio.get_running_loop()

        def made() -> Connection:
            return Connection(loop, self._freed, self._lost)

        if self.proxy is None:
            _, connection = await self._opened(self.scheme, self.host, self.port, made)
        elif self.scheme == "http":
            _, connection = await self._opened(*self.proxy.address, made)
        else:
            tunnel = await self._tunnelled(self.proxy)
            connection = made()
            transport = await loop.start_tls(tunnel, connection, self._secure(), server_hostname=self.host)
            if transport is None:
                raise ConnectionResetError
            # start_tls tells the protocol nothing of the transport that is now its own.
            connection.connection_made(transport)
        return connection

    async def _opened(self, scheme: str, host: str, port: int, made: Callable[[], P]) -> tuple[asyncio.Transport, P]:
        loop = asyncio.get_running_loop()
        tls: dict[str, Any] = {"ssl": self._secure(), "server_hostname": host} if scheme == "https" else {}
        if _is_address(host):
            # Nothing to look up, which would take a thread.
            return await loop.create_connection(made, host, port, **tls)
        addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        sock = await aiohappyeyeballs.start_connection(addresses, happy_eyeballs_delay=EYEBALLS, interleave=1)
        try:
            return await loop.create_connection(made, sock=sock, **tls)
        except BaseException:
            sock.close()
            raise

    async def _tunnelled(self, proxy: Proxy) -> asyncio.Transport:
        loop = asyncio.get_running_loop()
        transport, tunnel = await self._opened(*proxy.address, lambda: _Tunnel(loop))
        try:
            transport.write(connect_request(self.host, self.port, proxy.credentials))
            await tunnel.agreed
        except BaseException:
            transport.abort()
            raise
        return transport


def connect_request(host: str, port: int, credentials: str) -> bytes:
    """What a proxy is asked for a tunnel with (RFC 9110, 9.3.6)."""
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    authorization = f"Proxy-Authorization: {credentials}\r\n" if credentials else ""
    return f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{authorization}\r\n".encode()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class _Tunnel(asyncio.Protocol):
    """A connection to a proxy until the proxy has agreed to CONNECT; nothing comes behind that before we speak."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.agreed: asyncio.Future[None] = loop.create_future()
        self._head = b""

    def data_received(self, data: bytes) -> None:
        self._head += data
        while not self.agreed.done():
            head, end, rest = self._head.partition(b"\r\n\r\n")
            if not end:
                if len(head) > LONGEST_HEAD:
                    self._refused()
                return
            status = b"".join(head.split(b"\r\n", 1)[0].split()[1:2])
            if status[:1] == b"2":
                self.agreed.set_result(None)
            elif status[:1] == b"1":
                # It announces another answer.
                self._head = rest
            else:
                self._refused()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.agreed.done():
            self._refused()

    def _refused(self) -> None:
        self.agreed.set_exception(UpstreamDisconnected("The proxy on the way to Gemini refused the connection."))
