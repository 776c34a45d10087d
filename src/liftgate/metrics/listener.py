"""`/metrics` on a port of its own, for networks in which scrapers have no key: GET and HEAD of one path, nothing else.

Every process listens there; whichever is asked tells the sums of all.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from liftgate.errors import ConfigError

log = logging.getLogger("liftgate.metrics")

LARGEST_HEAD = 16 * 1024
PATIENCE = 10.0
"""Seconds that a scraper may take to ask, and to take its answer."""

PLAIN = b"text/plain"

Answer = Callable[[str], Awaitable[tuple[bytes, bytes]]]


async def listen(host: str, port: int, answer: Answer) -> asyncio.Server:
    """`answer`: `Accept` → (Content-Type, body). Raises ConfigError."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(await _response(head, answer))
                await writer.drain()
                # Who still sends hears it too: a reset would take it.
                writer.write_eof()
                while await reader.read(LARGEST_HEAD):
                    pass
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # Whoever asked is gone, or asked for nothing that this knows.
        except Exception:
            log.exception("a scrape failed")
        finally:
            # A close would wait, for ever, for who takes nothing of what is left.
            writer.transport.abort()

    try:
        return await asyncio.start_server(serve, host, port, limit=LARGEST_HEAD, reuse_port=True)
    except OSError as error:
        raise ConfigError(f"metrics_port: {host}:{port} cannot be listened on: {error.strerror or error}.") from error


async def _response(head: bytes, answer: Answer) -> bytes:
    line, *headers = head.decode("latin-1").split("\r\n")
    method, _, rest = line.partition(" ")
    path = rest.partition(" ")[0].partition("?")[0]
    with_body = method != "HEAD"
    if path != "/metrics":
        return _written("404 Not Found", PLAIN, b"Here is /metrics, and nothing else.\n", with_body=with_body)
    if method not in ("GET", "HEAD"):
        return _written("405 Method Not Allowed\r\nAllow: GET, HEAD", PLAIN, b"Only GET and HEAD.\n")
    accept = ""
    for header in headers:
        name, _, value = header.partition(":")
        if name.strip().lower() == "accept":
            accept = value
    kind, body = await answer(accept)
    return _written("200 OK", kind, body, with_body=with_body)


def _written(status: str, kind: bytes, body: bytes, *, with_body: bool = True) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\nContent-Type: "
    return head.encode() + kind + b"\r\n\r\n" + (body if with_body else b"")
