"""Clients that send a byte now and then, and clients that do not read: memory and the others' answers stay as they are.

Looked at from outside, in resident bytes and in seconds; what a busy machine does to seconds is allowed for.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from hostile_gemini import LONG_STREAM
from processes import GatewayProcess
from raw_http import call, connect, head
from resident import JSON, MIB, resident, watched_gateway
from running import eventually

CLIENTS = 1000
LATEST = 5.0
"""Seconds within which another client is answered, on a machine that does much else."""


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    with watched_gateway(tmp_path) as process:
        yield process


FORM = {**JSON, "Content-Type": "multipart/form-data; boundary=b"}
FIRST_OF_FORM = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
SLOW: tuple[tuple[bytes, bytes], ...] = (
    # What each sends at first, and then again and again.
    (b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n", b"X-A: 1\r\n"),
    (b"GET /v1/fi", b"l"),
    (head("POST", "/v1/chat/completions", {**JSON, "Content-Length": str(8 * MIB)}) + b'{"model":"m","a":"', b"x" * 64),
    (
        head("POST", "/v1/responses", {**JSON, "Transfer-Encoding": "chunked"}) + b'12\r\n{"model":"m","a":"\r\n',
        b"1\r\nx\r\n",
    ),
    (head("POST", "/v1/files", {**FORM, "Content-Length": str(8 * MIB)}) + FIRST_OF_FORM, b"x" * 64),
    (head("POST", "/v1/files", {**FORM, "Transfer-Encoding": "chunked"}), b"1\r\n-\r\n"),
)


def longest_answer(process: GatewayProcess, rounds: int = 10) -> float:
    """Of some other client, in seconds."""
    longest = 0.0
    for _ in range(rounds):
        for path in ("/health/liveness", "/v1/files", "/health/readiness"):
            began = time.monotonic()
            assert call(process.url, "GET", path, None, JSON).status == 200
            longest = max(longest, time.monotonic() - began)
    return longest


def test_a_thousand_slow_clients_hold_up_nobody(gateway: GatewayProcess) -> None:
    assert longest_answer(gateway) < LATEST
    before = resident(gateway)
    with ExitStack() as stack:
        slow: list[tuple[socket.socket, bytes]] = []
        for number in range(CLIENTS):
            first, next_ = SLOW[number % len(SLOW)]
            connection = stack.enter_context(connect(gateway.url))
            connection.sendall(first)
            slow.append((connection, next_))
        for _ in range(4):
            for connection, next_ in slow:
                connection.sendall(next_)
            assert longest_answer(gateway, 3) < LATEST
        assert resident(gateway) - before < 64 * MIB
    # Those that spooled have left their files, and all their memory.
    assert eventually(lambda: not list((gateway.log.parent / "spool").iterdir()), seconds=30)
    assert eventually(lambda: resident(gateway) - before < 32 * MIB, seconds=60), (resident(gateway) - before) / MIB
    assert longest_answer(gateway) < LATEST


def asked(target: str, doc: dict[str, object]) -> bytes:
    body = json.dumps(doc).encode()
    return head("POST", target, {**JSON, "Content-Length": str(len(body))}) + body


TURN = [{"role": "user", "content": "hi"}]
STREAMS: dict[str, bytes] = {
    "chat": asked("/v1/chat/completions", {"model": "long-stream", "messages": TURN, "stream": True}),
    "responses": asked("/v1/responses", {"model": "long-stream", "input": "hi", "stream": True}),
    "messages": asked("/v1/messages", {"model": "long-stream", "max_tokens": 9, "messages": TURN, "stream": True}),
    "native": asked(
        "/v1beta/models/long-stream:streamGenerateContent?alt=sse", {"contents": [{"parts": [{"text": "hi"}]}]}
    ),
}


@pytest.mark.parametrize("door", ["responses", "messages", "native", pytest.param("chat", marks=pytest.mark.full)])
def test_a_stream_that_nobody_reads_waits_at_its_source(gateway: GatewayProcess, door: str) -> None:
    """10 MiB are behind each of eight: what the system's buffers do not take stays with Gemini."""
    call(gateway.url, "GET", "/v1/files", None, JSON)
    before = resident(gateway)
    with ExitStack() as stack:
        unread = []
        for _ in range(8):
            connection = stack.enter_context(socket.socket())
            # No more than that lies at the client.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
            connection.settimeout(60)
            connection.connect(("127.0.0.1", int(gateway.url.rpartition(":")[2])))
            connection.sendall(STREAMS[door])
            unread.append(connection)
        for connection in unread:
            assert connection.recv(12) == b"HTTP/1.1 200"
        for _ in range(5):
            assert longest_answer(gateway, 3) < LATEST
            time.sleep(0.2)
        # The system takes up to 4 MiB of each, and of an answer in the making its text is kept.
        assert resident(gateway) - before < 64 * MIB, (resident(gateway) - before) / MIB
        # One that was only slow gets all of it.
        received = 0
        while piece := unread[0].recv(1 << 20):
            received += len(piece)
            if piece.endswith(b"0\r\n\r\n"):
                break
        assert received > LONG_STREAM
    assert eventually(lambda: resident(gateway) - before < 32 * MIB, seconds=60), (resident(gateway) - before) / MIB
