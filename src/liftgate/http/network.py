"""The network on the way to Gemini: the proxies that the environment names, connections that are made through them, and
what breaks, as our errors, in one table.

Addresses of both families are tried at once, as RFC 8305 says (aiohappyeyeballs). No message names a URL: an upload's
URL is a capability.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import os
import socket
import ssl
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import SplitResult, unquote, urlsplit

import aiohappyeyeballs

from liftgate.errors import ConfigError, LiftgateError, UpstreamDisconnected, UpstreamProtocolError, UpstreamTimeout

_INSECURE = (UpstreamProtocolError, "No secure connection to Gemini could be made")
_LATE = (UpstreamTimeout, "Gemini did not answer in time")

P = TypeVar("P", bound=asyncio.Protocol)

PORTS = {"http": 80, "https": 443}

EYEBALLS = 0.25
"""Seconds after which the next address is tried as well."""
LONGEST_HEAD = 256 * 1024
"""Bytes of an answer's head, at most."""

Breaks = Mapping[type[BaseException], tuple[type[LiftgateError], str]]
"""By class; the nearest in an exception's ancestry decides."""

CONNECTING: Breaks = {
    ssl.SSLError: _INSECURE,
    TimeoutError: (UpstreamTimeout, "Gemini could not be connected to in time"),
    OSError: (UpstreamDisconnected, "Gemini could not be connected to"),
}
TALKING: Breaks = {
    ssl.SSLError: _INSECURE,
    TimeoutError: _LATE,
    OSError: (UpstreamDisconnected, "The connection to Gemini broke before its answer was complete"),
}


def broken(error: BaseException, table: Breaks = TALKING) -> LiftgateError:
    """The typed error for an OSError, which TimeoutError and SSLError are too."""
    kind, sentence = next(table[ancestor] for ancestor in type(error).__mro__ if ancestor in table)
    reason = network_reason(error)
    return kind(f"{sentence} ({reason})." if reason else f"{sentence}.")


def network_reason(error: BaseException) -> str:
    """What the system says of a connection that failed, for people: "Connection refused". Empty where it says nothing.
    It names no URL, no address, and no class of Python's."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return (error.reason or "").replace("_", " ").lower()
    number = getattr(error, "errno", None)
    if isinstance(number, int) and number > 0:
        return os.strerror(number)
    # One that tells of several tries begins with all of them; a look-up of names has a number below 0 and a sentence.
    return (error.strerror or "") if isinstance(error, socket.gaierror) else ""


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where an origin is reached through: scheme, host and port. `credentials` for Proxy-Authorization, or empty."""

    address: tuple[str, str, int]
    credentials: str = field(repr=False)


class EnvironmentProxies:
    """HTTP_PROXY, HTTPS_PROXY and NO_PROXY, read once. Raises ConfigError for what is no http or https proxy."""

    def __init__(self) -> None:
        self._proxies = {
            scheme: _proxy(_variable(f"{scheme}_proxy"), url)
            for scheme, url in urllib.request.getproxies().items()
            if scheme in PORTS
        }

    def proxy_for(self, scheme: str, host: str, port: int) -> Proxy | None:
        proxy = self._proxies.get(scheme)
        return None if proxy is None or urllib.request.proxy_bypass(f"{host}:{port}") else proxy


def _variable(name: str) -> str:
    """As it is spelled in the environment, where the small spelling goes before the other."""
    return name if os.environ.get(name) else name.upper()


def _proxy(variable: str, url: str) -> Proxy:
    try:
        parts = urlsplit(url)
        standard = PORTS[parts.scheme]
        port, host = parts.port or standard, parts.hostname or ""
    except (ValueError, KeyError):
        host = ""
    if not host:
        raise ConfigError(f"{variable} in the environment must be an http:// or https:// URL.")
    user = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    token = base64.b64encode(user.encode()).decode("ascii")
    return Proxy((parts.scheme, host, port), "" if parts.username is None else f"Basic {token}")


def split(url: str) -> tuple[SplitResult, str]:
    """An absolute http or https URL, and its host as DNS has it."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode()
        valid = parts.scheme in PORTS and parts.port != 0 and (parts.path + parts.query).isascii()
        valid = valid and bool(host) and url.isprintable() and " " not in url
    except ValueError:
        valid = False
    if not valid:
        raise UpstreamProtocolError("The URL to call is not a valid http or https one; is api_base right?")
    return parts, host


# ── the way there ────────────────────────────────────────────────────────────────────────────────


async def reach(
    address: tuple[str, str, int], proxy: Proxy | None, secure: Callable[[], ssl.SSLContext], made: Callable[[], P]
) -> P:
    """A connection to a scheme, host and port, which `made` makes. `secure` gives the TLS context. Raises OSError, and
    UpstreamDisconnected where a proxy refuses."""
    scheme, host, port = address
    if proxy is None:
        _, connection = await _open_connection(scheme, host, port, secure, made)
    elif scheme == "http":
        _, connection = await _open_connection(*proxy.address, secure, made)
    else:
        tunnel = await _tunnelled(proxy, host, port, secure)
        connection = made()
        loop = asyncio.get_running_loop()
        transport = await loop.start_tls(tunnel, connection, secure(), server_hostname=host)
        if transport is None:
            raise ConnectionResetError
        # start_tls tells the protocol nothing of the transport that is now its own.
        connection.connection_made(transport)
    return connection


async def _open_connection(
    scheme: str, host: str, port: int, secure: Callable[[], ssl.SSLContext], made: Callable[[], P]
) -> tuple[asyncio.Transport, P]:
    loop = asyncio.get_running_loop()
    tls: dict[str, Any] = {"ssl": secure(), "server_hostname": host} if scheme == "https" else {}
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


async def _tunnelled(proxy: Proxy, host: str, port: int, secure: Callable[[], ssl.SSLContext]) -> asyncio.Transport:
    loop = asyncio.get_running_loop()
    transport, tunnel = await _open_connection(*proxy.address, secure, lambda: _Tunnel(loop))
    try:
        transport.write(connect_request(host, port, proxy.credentials))
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
