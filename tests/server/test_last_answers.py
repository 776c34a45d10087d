"""Ends of connections: the last answer is heard by a client that still sends, and no client that takes nothing keeps
one for ever. On both loops, which each have transports of their own."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from gateways import sandbox_server
from liftgate.server.asgi import Receive, Scope, Send
from liftgate.server.exchange import EXTENSION
from liftgate.server.http_protocol import limited_protocol
from processes import GatewayProcess, write_config
from raw_http import connect, head, read_answer
from running import Running, eventually, running_gateway
from serving import serve

LOOPS = ["asyncio", "uvloop"]
PIECE = bytes(1000)
LONG = {"Content-Length": "100000"}


@pytest.fixture(scope="module", params=LOOPS)
def quick(
    request: pytest.FixtureRequest, sandbox_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """It waits for no body longer than a second."""
    with running_gateway(sandbox_url, tmp_path_factory.mktemp("quick"), loop=request.param, read_timeout=1) as running:
        yield running


def old(method: str, target: str, headers: dict[str, str]) -> bytes:
    return head(method, target, headers).replace(b"HTTP/1.1", b"HTTP/1.0")


FORM = {"Content-Type": "multipart/form-data; boundary=b0"}
STILL_SENT: dict[str, tuple[int, bytes]] = {
    "HTTP/1.0 without a length": (400, old("POST", "/v1/files", FORM)),
    "asked to close": (200, head("GET", "/health/liveness", {"Connection": "close"})),
    "waits for no 100": (404, head("POST", "/v1/nothing", {**LONG, "Expect": "100-continue"})),
    "dawdles": (408, head("POST", "/v1/chat/completions", LONG)),
    "no HTTP": (400, b"GARBAGE\r\n\r\n"),
}


@pytest.mark.parametrize("name", STILL_SENT)
def test_the_last_answer_is_heard_by_who_sends_on_and_reads_then(quick: Running, name: str) -> None:
    """A reset ends the sending, and may take the answer with it."""
    status, request = STILL_SENT[name]
    with connect(quick.base) as connection:
        connection.sendall(request)
        assert connection.recv(1, socket.MSG_PEEK) == b"H", "it is answered"
        for _ in range(30):
            connection.sendall(PIECE)
            time.sleep(0.01)
        assert read_answer(connection).status == status
        assert connection.recv(1) == b""


def test_an_answer_is_heard_although_its_request_is_passed_over_too_long(quick: Running) -> None:
    """A GET that is answered while its body still comes: the connection waits for that for a while only."""
    file = quick.upload(b"content")["id"]
    with connect(quick.base) as connection:
        connection.sendall(head("GET", f"/v1/files/{file}/content", LONG))
        assert connection.recv(1, socket.MSG_PEEK) == b"H"
        began = time.monotonic()
        while time.monotonic() - began < 2:
            connection.sendall(b"x")
            time.sleep(0.05)
        assert read_answer(connection).body == b"content"


@pytest.fixture
def process(tmp_path: Path) -> Iterator[GatewayProcess]:
    with sandbox_server() as sandbox:
        process = GatewayProcess(write_config(tmp_path / "c.yaml", sandbox.url), tmp_path / "data")
        try:
            process.wait_ready()
            yield process
        finally:
            process.kill()


ALIVE = head("GET", "/health/liveness")


def test_a_gateway_that_stops_lets_a_last_answer_be_heard(process: GatewayProcess) -> None:
    with connect(process.url) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX: " + bytes(100_000))
        assert connection.recv(1, socket.MSG_PEEK) == b"H"
        process.process.send_signal(signal.SIGTERM)
        for _ in range(20):
            connection.sendall(bytes(1 << 20))
            time.sleep(0.02)
        assert read_answer(connection).status in (400, 431)
    assert process.process.wait(20) == 0


@pytest.mark.parametrize("first", [ALIVE[:9], b""], ids=["of which some has come", "of which nothing has come"])
def test_a_gateway_that_stops_answers_the_first_request_of_a_connection(process: GatewayProcess, first: bytes) -> None:
    """It may be under way, and no client repeats a POST whose connection was reset."""
    with connect(process.url) as begun, connect(process.url) as idle:
        begun.sendall(first)
        idle.sendall(ALIVE)
        assert read_answer(idle).status == 200
        process.process.send_signal(signal.SIGTERM)
        assert idle.recv(1) == b"", "an idle one ends at once"
        begun.sendall(ALIVE[len(first) :])
        answer = read_answer(begun)
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        began = time.monotonic()
        assert process.process.wait(20) == 0
        assert time.monotonic() - began < 5


# ── clients that take nothing ──────────────────────────────────────────────────────────────────────────────────────


class Told:
    """Answers with as many bytes as the path says, in small pieces; notes who has left."""

    def __init__(self) -> None:
        self.noted: Queue[str] = Queue()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        size = int(scope["path"].strip("/"))
        scope["extensions"][EXTENSION].when_left(lambda: self.noted.put("left"))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % size)]})
        for at in range(0, size, 8192):
            rest = size - at
            await send({"type": "http.response.body", "body": bytes(min(rest, 8192)), "more_body": rest > 8192})


def small_lines(lost: Queue[Any], **limits: Any) -> type:
    """A protocol class whose system takes little of what is written; those that have ended are put into `lost`."""
    made = limited_protocol(max_head=8192, head_timeout=20, **limits)

    class Small(made):  # type: ignore[misc, valid-type]
        def connection_made(self, transport: asyncio.Transport) -> None:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 * 1024)
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            lost.put(self)

    return Small


def small_client(base: str) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    connection.settimeout(20)
    connection.connect(("127.0.0.1", int(base.rpartition(":")[2])))
    return connection


@pytest.mark.parametrize("ends", [False, True], ids=["idles", "ends its side"])
@pytest.mark.parametrize("loop", LOOPS)
def test_who_takes_nothing_of_an_answers_end_keeps_no_connection(loop: str, ends: bool) -> None:
    """Of whatever size: the last of it may wait for the client where nothing else does."""
    lost: Queue[Any] = Queue()
    sizes = range(8_000, 400_000, 16_000)
    http = small_lines(lost, stalled=0.5)
    with serve(Told(), http=http, loop=loop, lifespan="off", timeout_keep_alive=0.3) as base:
        connections = [small_client(base) for _ in sizes]
        for size, connection in zip(sizes, connections, strict=True):
            connection.sendall(head("GET", f"/{size}"))
        if ends:
            for connection in connections:
                assert connection.recv(1, socket.MSG_PEEK) == b"H"
                connection.shutdown(socket.SHUT_WR)
        ended = eventually(lambda: lost.qsize() == len(sizes), seconds=20)
        for connection in connections:
            connection.close()
        assert ended, f"{len(sizes) - lost.qsize()} of {len(sizes)} are still there"


@pytest.mark.parametrize("loop", LOOPS)
def test_who_takes_an_answer_slowly_gets_all_of_it(loop: str) -> None:
    """Its time begins anew with what it takes, also while one write waits."""
    size = 1_000_000

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % size)]})
        await send({"type": "http.response.body", "body": bytes(size)})

    http = small_lines(Queue(), stalled=0.5)
    with serve(app, http=http, loop=loop, lifespan="off") as base, small_client(base) as connection:
        connection.sendall(head("GET", "/", {"Connection": "close"}))
        received = b""
        while piece := connection.recv(100_000):
            received += piece
            time.sleep(0.02)
    assert len(received) > size


@pytest.mark.parametrize("loop", LOOPS)
def test_who_ends_its_side_has_left_although_it_takes_nothing(loop: str) -> None:
    app = Told()
    http = small_lines(Queue(), stalled=20)
    with serve(app, http=http, loop=loop, lifespan="off") as base, small_client(base) as connection:
        connection.sendall(head("GET", "/10000000"))
        assert connection.recv(1, socket.MSG_PEEK) == b"H"
        connection.shutdown(socket.SHUT_WR)
        assert app.noted.get(timeout=10) == "left"
