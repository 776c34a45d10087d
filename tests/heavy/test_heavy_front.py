"""Pipelining, trailers, heads and empty lines without end, with a key and without: memory stays where it was."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from heavy_rig import MIB, Rig, eventually, rig

ALLOWED = 8 * MIB
BLOCK = 65_472
WITH_KEY, WITHOUT = b"Authorization: Bearer sk-ann\r\n", b""


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig(tmp_path_factory.mktemp("front")) as running:
        yield running


def small_requests(key: bytes) -> Iterator[bytes]:
    """As many as fit: of 64 bytes each where there is no key."""
    line = b"GET /health/liveness HTTP/1.1\r\nHost:a\r\n" + key
    request = line + b"a:" + b"b" * max(0, 64 - len(line) - 6) + b"\r\n\r\n"
    while True:
        yield request * (BLOCK // len(request))


def chunked_head(key: bytes) -> bytes:
    return b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n" + key + b"Transfer-Encoding: chunked\r\n\r\n"


def trailers(key: bytes) -> Iterator[bytes]:
    yield chunked_head(key) + b"2\r\n{}\r\n0\r\n"
    while True:
        yield b"a:b\r\n" * (BLOCK // 5)


def one_trailer(key: bytes) -> Iterator[bytes]:
    yield chunked_head(key) + b"2\r\n{}\r\n0\r\na: "
    while True:
        yield b"b" * BLOCK


def extensions(key: bytes) -> Iterator[bytes]:
    yield chunked_head(key) + b"2;"
    while True:
        yield b"b" * BLOCK


def heads(key: bytes) -> Iterator[bytes]:
    yield b"GET / HTTP/1.1\r\nHost: a\r\n" + key
    while True:
        yield b"a:b\r\n" * (BLOCK // 5)


def empty_lines(key: bytes) -> Iterator[bytes]:
    while True:
        yield b"\r\n" * (BLOCK // 2)


def bodies(key: bytes) -> Iterator[bytes]:
    body = b'{"model": "gemini-2.5-flash", "messages": 1}'
    request = (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n" + key + b"Content-Length: %d\r\n\r\n" % len(body) + body
    )
    while True:
        yield request * (BLOCK // len(request))


Flood = Callable[[bytes], Iterator[bytes]]
ENDLESS = (small_requests, bodies)
FLOODS = (small_requests, trailers, one_trailer, extensions, heads, empty_lines, bodies)


# What is kept of such a request is many times as long as the request.
@pytest.mark.parametrize("size", [4 * MIB, pytest.param(24 * MIB, marks=pytest.mark.full)], ids=["reduced", "24 MiB"])
@pytest.mark.parametrize("key", [WITH_KEY, WITHOUT], ids=["with a key", "without"])
@pytest.mark.parametrize("flood", FLOODS, ids=lambda flood: flood.__name__)
def test_a_flood_leaves_the_memory_as_it_was(front: Rig, flood: Flood, key: bytes, size: int) -> None:
    with pouring(front, flood(key), MIB // 2):
        before = front.reset_peak()
    with pouring(front, flood(key), size // 2) as one, pouring(front, flood(key), size // 2) as other:
        after = front.figures()
    grown = (after.peak - before.resident) / MIB
    print(f"{flood.__name__}: {one / MIB:.1f} and {other / MIB:.1f} MiB, +{grown:.1f} MiB")
    assert one >= MIB or flood not in ENDLESS
    assert after.peak - before.resident < ALLOWED
    assert eventually(lambda: front.figures().resident - before.resident < ALLOWED)


@contextmanager
def pouring(front: Rig, blocks: Iterator[bytes], size: int) -> Iterator[int]:
    """Sends so much, or until the gateway takes no more, while its answers are read; how much that was."""
    parts = urlsplit(front.url)
    with socket.create_connection((parts.hostname, parts.port or 0), 20) as connection:
        reading = threading.Thread(target=read_all, args=(connection,))
        reading.start()
        sent = 0
        try:
            while sent < size:
                block = next(blocks)
                connection.sendall(block)
                sent += len(block)
        except OSError:
            pass
        yield sent
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        reading.join()


def read_all(connection: socket.socket) -> None:
    try:
        while connection.recv(MIB):
            continue
    except OSError:
        return
