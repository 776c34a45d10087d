"""HTTP/1.1 with a server that says exactly what a test wants said, over TCP, TLS and proxies."""

from __future__ import annotations

import asyncio
import random  # noqa: TID251 - fixed seeds are the point
import socket
import ssl
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

import pytest
import trustme
import uvloop

from liftgate import errors
from liftgate.clock import SystemClock
from liftgate.deployments import Account, Deployment
from liftgate.gemini.client import GeminiClient
from liftgate.http.connection import Answer
from liftgate.http.transport import ClientLimits, Transport
from local_gemini import KEY, Talk, account_at, answer, client, deployment_at, listening, request, scripted

T = TypeVar("T")

MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


class Run(Protocol):
    """`asyncio.run` on one kind of loop."""

    def __call__(self, main: Coroutine[Any, Any, T]) -> T: ...


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """The SDK runs on asyncio's own loop, the gateway on uvloop's."""
    factory = uvloop.new_event_loop if request.param == "uvloop" else asyncio.new_event_loop

    def run(main: Coroutine[Any, Any, T]) -> T:
        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(main)

    return run


@asynccontextmanager
async def transport(limits: ClientLimits | None = None) -> AsyncIterator[Transport]:
    made = Transport(limits or ClientLimits())
    try:
        yield made
    finally:
        made.close()


def get(run: Run, url: str) -> bytes:
    async def scenario() -> bytes:
        async with transport() as gemini:
            return bytes(await (await gemini.send(gemini.head("GET", url, {}))).read())

    return run(scenario())


def bodies(run: Run, *replies: bytes) -> tuple[list[bytes], int]:
    """What is read of `replies`, and over how many connections."""
    connections = 0
    inner = scripted(*replies)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await inner(reader, writer)

    async def scenario() -> list[bytes]:
        async with listening(talk) as base, transport() as gemini:
            head = gemini.head("GET", base + "/x", {})
            found = []
            for _ in replies:
                found.append(await (await gemini.send(head)).read())
                # Whoever closes behind an answer is heard before the next request.
                await asyncio.sleep(0.02)
            return [bytes(each) for each in found]

    return run(scenario()), connections


# ── framing (RFC 9112) ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("reply", "body", "kept"),
    [
        (answer(200, b"whole"), b"whole", True),
        (answer(204), b"", True),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", b"abcde", True),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\ndate: x\r\n\r\n", b"a", True),
        (b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + answer(200, b"after"), b"after", True),
        (answer(200, b"last", "connection: close"), b"last", False),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 3\r\n\r\nold", b"old", False),
        # A second answer to one request: the first counts, and what came behind it is nobody's.
        (answer(200, b"one") + answer(200, b"two"), b"one", False),
        (answer(200, b"one") + b"HTT", b"one", False),
        (answer(200, b"one") + b"garbage", b"one", False),
    ],
)
def test_answer_is_read_to_its_end_and_the_connection_kept_where_that_is_safe(
    run: Run, reply: bytes, body: bytes, kept: bool
) -> None:
    found, connections = bodies(run, reply, answer(200, b"next"))
    assert found == [body, b"next"]
    assert connections == (1 if kept else 2)


def test_body_without_a_length_ends_with_the_connection(run: Run) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nas much ")
        await writer.drain()
        await asyncio.sleep(0.02)
        writer.write(b"as there is")

    async def scenario() -> bytes:
        async with listening(talk) as base, transport() as gemini:
            return bytes(await (await gemini.send(gemini.head("GET", base, {}))).read())

    assert run(scenario()) == b"as much as there is"


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\ncontent-length: -3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nname without a colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nname: a\x00b\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"220 smtp.example ESMTP\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"a" * MIB,
    ],
)
def test_answer_that_is_no_http_is_a_protocol_error(run: Run, reply: bytes) -> None:
    with pytest.raises(errors.UpstreamProtocolError, match="no HTTP that we understand"):
        bodies(run, reply)


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\nconnection: close\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-len",
        b"HTTP/1.1 103 Early Hints\r\n\r\n",
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n6\r\n{"a":1\r\n',
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ],
)
def test_answer_that_is_cut_is_a_disconnect(run: Run, reply: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(reply)

    async def scenario() -> bytes:
        async with listening(talk) as base, transport() as gemini:
            return bytes(await (await gemini.send(gemini.head("GET", base, {}))).read())

    with pytest.raises(errors.UpstreamDisconnected, match="broke before its answer was complete"):
        run(scenario())


def test_headers_are_found_in_any_case_and_the_first_counts(run: Run) -> None:
    reply = answer(200, b"", "X-Goog-Upload-Status:  active ", "VARY: a", "VARY: b")

    async def scenario() -> Answer:
        async with listening(scripted(reply)) as base, transport() as gemini:
            return await gemini.send(gemini.head("GET", base, {}))

    got = run(scenario())
    assert got.header(b"x-goog-upload-status") == "active"
    assert got.header(b"X-GOOG-Upload-Status") == "active"
    assert got.header(b"date") is None
    assert got.header(b"vary") == got.headers["vary"] == "a"


# ── connections ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_words_that_nobody_asked_for_end_a_kept_connection(run: Run) -> None:
    """A server that gives up an idle connection may say 408 first; that must not answer the next request."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(answer(200, b"asked for"))
        await writer.drain()
        await asyncio.sleep(0.02)
        writer.write(answer(408, b"too late"))
        await reader.read()

    async def scenario() -> list[bytes]:
        async with listening(talk) as base, transport() as gemini:
            head = gemini.head("GET", base, {})
            first = await (await gemini.send(head)).read()
            await asyncio.sleep(0.1)
            return [bytes(first), bytes(await (await gemini.send(head)).read())]

    assert run(scenario()) == [b"asked for", b"asked for"]


def test_connection_is_closed_when_it_was_kept_long_enough(run: Run) -> None:
    async def scenario() -> bytes:
        gone: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await request(reader)
            writer.write(answer(200, b"{}"))
            gone.set_result(await reader.read())

        async with listening(talk) as base, transport(ClientLimits(keep_alive=0.1)) as gemini:
            await (await gemini.send(gemini.head("GET", base, {}))).read()
            return await asyncio.wait_for(gone, 5.0)

    assert run(scenario()) == b""


def test_as_many_connections_as_exchanges_and_no_more(run: Run) -> None:
    connections = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            await request(reader)
            await asyncio.sleep(0.05)
            writer.write(answer(200, b"{}"))

    async def scenario() -> None:
        async with listening(talk) as base, transport() as gemini:
            head = gemini.head("GET", base, {})

            async def ask() -> None:
                await (await gemini.send(head)).read()

            for _ in range(3):
                await asyncio.gather(*(ask() for _ in range(8)))

    run(scenario())
    assert connections == 8


def test_reader_that_takes_nothing_stops_the_sender(run: Run) -> None:
    sent = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (256 * MIB))
        for _ in range(256):
            writer.write(bytes(MIB))
            await writer.drain()
            sent += MIB

    async def scenario() -> int:
        async with listening(talk) as base, transport() as gemini:
            got = await gemini.send(gemini.head("GET", base, {}))
            await asyncio.sleep(0.5)
            held = sent
            size = 0
            while piece := await got.read_some():
                size += len(piece)
            assert size == 256 * MIB
            return held

    # What the sockets of both ends hold, and a little with us.
    assert run(scenario()) < 32 * MIB


def test_exchange_that_is_given_up_ends_its_connection_and_no_other(run: Run) -> None:
    async def scenario() -> list[bytes]:
        ends: list[bytes] = []
        asked = asyncio.Event()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            line, _, _ = await request(reader)
            if "slow" in line:
                asked.set()
                ends.append(await reader.read())
            else:
                writer.write(answer(200, b"quick"))
                await reader.read()

        async with listening(talk) as base, transport() as gemini:
            slow = asyncio.ensure_future(gemini.send(gemini.head("GET", base + "/slow", {})))  # noqa: TID251
            await asked.wait()
            quick = await gemini.send(gemini.head("GET", base + "/quick", {}))
            slow.cancel()
            await asyncio.wait([slow])
            assert slow.cancelled()
            await asyncio.sleep(0.05)
            return [*ends, bytes(await quick.read())]

    assert run(scenario()) == [b"", b"quick"]


def test_caller_that_leaves_when_its_answer_is_whole_leaves_the_connection_to_the_next(run: Run) -> None:
    """The connection is free from the answer's end on, which its caller hears of a moment later, if at all."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            line, _, _ = await request(reader)
            await asyncio.sleep(0.01)
            writer.write(answer(200, line.split(" ")[1].encode()))

    async def scenario() -> bytes:
        async with listening(talk) as base, transport() as gemini:
            first, second = gemini.head("GET", base + "/a", {}), gemini.head("GET", base + "/b", {})
            left = asyncio.ensure_future(gemini.send(first))  # noqa: TID251
            while not (connection := first.origin.take_free()):  # noqa: ASYNC110 - the very moment counts
                await asyncio.sleep(0)
            asked = connection.ask(b"%b\r\n" % second.data)
            left.cancel()
            await asyncio.wait([left])
            return bytes(await asked.read())

    assert run(scenario()) == b"/b"


def test_connection_that_was_closed_meanwhile_is_no_failure_of_what_only_asks(run: Run) -> None:
    async def scenario() -> list[int]:
        # b"": the second request is read and never answered.
        async with listening(scripted(answer(200, b"1"), b"", answer(200, b"2"))) as base, transport() as gemini:
            head = gemini.head("GET", base, {})
            return [(await gemini.exchange(head, None, seconds=5.0)).status for _ in range(2)]

    assert run(scenario()) == [200, 200]


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 400 Bad\r\n\r\nno such session"])
def test_server_that_half_closes_is_heard_at_once(run: Run, said: bytes) -> None:
    """It reads no more either, so an orderly end of the connection would wait for it."""

    async def scenario() -> bytes:
        over = asyncio.Event()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(said)
            writer.write_eof()
            await over.wait()

        async with listening(talk) as base, transport() as gemini:
            try:
                async with asyncio.timeout(5.0):
                    answered = await gemini.send(gemini.head("POST", base, {}), b"x" * 32 * MIB)
                    return bytes(await answered.read())
            finally:
                over.set()

    if said:
        assert run(scenario()) == b"no such session"
    else:
        with pytest.raises(errors.UpstreamDisconnected):
            run(scenario())


@pytest.mark.parametrize("status", [200, 400])
def test_head_that_comes_early_ends_the_sending_only_where_it_refuses(run: Run, status: int) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 %d Early\r\ncontent-length: 4\r\n\r\n" % status)
        if status == 200:
            await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
        writer.write(b"done")
        await writer.drain()

    async def scenario() -> bytes:
        async with listening(talk) as base, transport() as gemini, asyncio.timeout(10.0):
            answered = await gemini.send(gemini.head("POST", base, {}), b"x" * 32 * MIB)
            assert answered.status == status
            return bytes(await answered.read())

    assert run(scenario()) == b"done"


@pytest.mark.parametrize("names", [1, 4096])
def test_trailers_are_not_kept(names: int, run: Run) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n")
        for place in range(4096):
            writer.write(b"x%d: " % (place % names) + b"y" * 8192 + b"\r\n")
            await writer.drain()
        writer.write(b"\r\n")

    async def scenario() -> tuple[bytes, int]:
        async with listening(talk) as base, transport() as gemini:
            answered = await gemini.send(gemini.head("GET", base, {}))
            tracemalloc.start()
            try:
                return bytes(await answered.read()), tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

    body, peak = run(scenario())
    assert body == b"abc"
    assert peak < 8 * MIB  # of 32 that came


def test_client_that_closes_ends_what_is_under_way(run: Run) -> None:
    asked = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        asked.set()
        await reader.read()

    async def scenario() -> None:
        async with listening(talk) as base, transport() as gemini:
            waiting = asyncio.ensure_future(gemini.send(gemini.head("GET", base, {})))  # noqa: TID251
            await asked.wait()
            gemini.close()
            await waiting

    with pytest.raises(errors.UpstreamDisconnected):
        run(scenario())


def test_address_that_does_not_answer_is_a_timeout(run: Run) -> None:
    """A listener whose queue is full takes no more connections, and says nothing."""

    async def scenario() -> None:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            port = full.getsockname()[1]
            waiting = [socket.socket() for _ in range(4)]
            for each in waiting:
                each.setblocking(False)
                each.connect_ex(("127.0.0.1", port))
            try:
                async with transport(ClientLimits(connect=0.3)) as gemini:
                    await gemini.send(gemini.head("GET", f"http://127.0.0.1:{port}/", {}))
            finally:
                for each in waiting:
                    each.close()

    with pytest.raises(errors.UpstreamTimeout, match="connected to in time"):
        run(scenario())


def test_name_that_does_not_exist_cannot_be_connected_to(run: Run) -> None:
    with pytest.raises(errors.UpstreamDisconnected, match=r"could not be connected to \([A-Z][a-z ]+\)\.$"):
        get(run, "http://no-such-host.invalid/")


def test_port_where_nobody_listens_is_told_in_words(run: Run) -> None:
    with pytest.raises(
        errors.UpstreamDisconnected, match=r"^Gemini could not be connected to \(Connection refused\)\.$"
    ):
        get(run, "http://127.0.0.1:9/")


def test_name_with_several_addresses_is_reached_at_the_one_that_listens(run: Run) -> None:
    """localhost is ::1 as well where there is IPv6, and nothing listens there."""

    async def scenario() -> bytes:
        async with listening(scripted(answer(200, b"found"))) as base, transport() as gemini:
            head = gemini.head("GET", base.replace("127.0.0.1", "localhost"), {})
            return bytes(await (await gemini.send(head)).read())

    assert run(scenario()) == b"found"


# ── heads ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("url", "line", "host"),
    [
        ("http://g.example", b"GET / HTTP/1.1", b"Host: g.example"),
        ("http://g.example:80/a?b=c", b"GET /a?b=c HTTP/1.1", b"Host: g.example"),
        ("https://g.example:443/a", b"GET /a HTTP/1.1", b"Host: g.example"),
        ("https://g.example:8443/a%20b", b"GET /a%20b HTTP/1.1", b"Host: g.example:8443"),
        ("http://[::1]:99/", b"GET / HTTP/1.1", b"Host: [::1]:99"),
        ("http://bücher.example/", b"GET / HTTP/1.1", b"Host: xn--bcher-kva.example"),
    ],
)
def test_head_has_the_target_and_the_host(url: str, line: bytes, host: bytes) -> None:
    rows = Transport(ClientLimits()).head("GET", url, {"X-A": "b"}).data.split(b"\r\n")
    assert rows[0] == line
    assert host in rows
    assert b"X-A: b" in rows
    assert b"User-Agent: liftgate" in rows


@pytest.mark.parametrize(
    "url",
    [
        "g.example/v1beta",
        "ftp://g.example/",
        "http://",
        "http:///v1beta",
        "http://g.example:port/",
        "http://g.example:99999/",
        "http://g.example/a b",
        "http://g.example/a\r\nx: y",
        "http://g.example/ü",
        "http://[::1/",
        "http://a..b/",
        f"http://{'a' * 64}.example/",
    ],
)
def test_head_refuses_what_is_no_url(url: str) -> None:
    with pytest.raises(errors.UpstreamProtocolError, match="is api_base right"):
        Transport(ClientLimits()).head("GET", url, {})


@pytest.mark.parametrize(
    "headers",
    [
        {"x-goog-api-key": "a\r\nx: y"},
        {"x-goog-api-key": "clé 鍵"},
        {"x\r\ny": "the value"},
        {"Content-Length": "314159"},
        {"Transfer-Encoding": "chunked"},
        {"host": "elsewhere.example"},
    ],
)
def test_head_refuses_a_header_that_cannot_be_sent_and_does_not_repeat_it(headers: dict[str, str]) -> None:
    with pytest.raises(errors.InvalidRequest) as caught:
        Transport(ClientLimits()).head("GET", "http://g.example/", headers)
    assert not any(value in caught.value.message for value in headers.values())


def test_head_takes_credentials_of_the_url_as_basic_authorization() -> None:
    head = Transport(ClientLimits()).head("GET", "http://user:p%40ss@g.example/", {})
    assert b"Authorization: Basic dXNlcjpwQHNz\r\n" in head.data  # printf 'user:p@ss' | base64
    assert b"Host: g.example\r\n" in head.data
    assert "dXNl" not in repr(head)


def test_header_of_a_request_replaces_the_clients_own() -> None:
    head = Transport(ClientLimits(), {"user-agent": "mine/1", "X-A": "all"}).head("GET", "http://g/", {"x-a": "one"})
    assert head.data.lower().count(b"user-agent:") == 1
    assert b"user-agent: mine/1\r\n" in head.data
    assert b"x-a: one\r\n" in head.data
    assert b"all" not in head.data


# ── TLS and proxies ────────────────────────────────────────────────────────────────────────────────────────────────

AUTHORITY = trustme.CA()


def certificate(*names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(*names).configure_cert(context)
    return context


@asynccontextmanager
async def secured(talk: Talk, *names: str) -> AsyncIterator[int]:
    """Serves TLS under these names; gives the port."""
    server = await asyncio.start_server(_quietly(talk), "127.0.0.1", 0, ssl=certificate(*names))
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def _quietly(talk: Talk) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    return serve


class ConnectProxy:
    """A proxy that tunnels to 127.0.0.1 whatever name is asked for. `asked`: the heads of CONNECT."""

    def __init__(self, refusal: bytes = b"", agreement: bytes = b"HTTP/1.1 200 Connection established") -> None:
        self.asked: list[str] = []
        self._refusal = refusal
        self._agreement = agreement

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(head)
        if self._refusal:
            writer.write(self._refusal)
            return
        port = int(head.split(" ")[1].rpartition(":")[2])
        onward_reader, onward = await asyncio.open_connection("127.0.0.1", port)
        writer.write(self._agreement + b"\r\nx: y\r\n\r\n")
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_copy(reader, onward))
                both.create_task(_copy(onward_reader, writer))
        finally:
            onward.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


@pytest.fixture
def trusted(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The certificates that `certificate` gives are the system's here."""
    bundle = tmp_path / "ca.pem"
    AUTHORITY.cert_pem.write_to_path(str(bundle))
    environment.setenv("SSL_CERT_FILE", str(bundle))


def https_deployment(port: int, host: str = "localhost") -> Deployment:
    account = Account(name="team-a", api_keys=(KEY,), api_base=f"https://{host}:{port}")
    return Deployment(id="d1", model_name="gemini", model="gemini-2.5-flash", account=account, api_key=KEY)


def generate(deployment: Deployment, calls: int = 1) -> Coroutine[Any, Any, list[bytes]]:
    async def scenario() -> list[bytes]:
        async with client() as gemini:
            return [bytes(await gemini.generate(deployment, b"{}", timeout=5.0)) for _ in range(calls)]

    return scenario()


def test_tls_is_spoken_and_kept(run: Run, trusted: None) -> None:
    async def scenario() -> list[bytes]:
        async with secured(scripted(answer(200, b"1"), answer(200, b"2")), "localhost") as port:
            return await generate(https_deployment(port), calls=2)

    assert run(scenario()) == [b"1", b"2"]


def test_tls_of_a_stranger_is_refused(run: Run) -> None:
    async def scenario() -> list[bytes]:
        async with secured(scripted(answer(200, b"1")), "localhost") as port:
            return await generate(https_deployment(port))

    words = r"^No secure connection to Gemini could be made \(its certificate is not accepted: [a-z ]+\)\.$"
    with pytest.raises(errors.UpstreamProtocolError, match=words):
        run(scenario())


def test_what_speaks_no_tls_is_told_in_words(run: Run) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")

    async def scenario() -> list[bytes]:
        async with listening(talk) as base:
            return await generate(https_deployment(urlsplit(base).port or 0, "127.0.0.1"))

    words = r"^No secure connection to Gemini could be made \([a-z ]+\)\.$"
    with pytest.raises(errors.UpstreamProtocolError, match=words):
        run(scenario())


def test_tls_under_another_name_is_refused(run: Run, trusted: None) -> None:
    async def scenario() -> list[bytes]:
        async with secured(scripted(answer(200, b"1")), "other.example") as port:
            return await generate(https_deployment(port))

    with pytest.raises(errors.UpstreamProtocolError, match="No secure connection"):
        run(scenario())


def test_tls_with_a_server_that_speaks_none_is_typed(run: Run, trusted: None) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(answer(400, b"plain"))

    async def scenario() -> list[bytes]:
        async with listening(talk) as base:
            return await generate(https_deployment(int(base.rpartition(":")[2])))

    with pytest.raises(errors.UpstreamProtocolError, match="No secure connection"):
        run(scenario())


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_https_goes_through_a_tunnel_of_the_proxy(
    run: Run, trusted: None, environment: pytest.MonkeyPatch, scheme: str
) -> None:
    proxy = ConnectProxy()
    seen: list[tuple[str, dict[str, str], bytes]] = []

    async def scenario() -> list[bytes]:
        upstream = scripted(answer(200, b"1"), answer(200, b"2"), seen=seen)
        async with (
            secured(upstream, "gemini.example") as port,
            listening(proxy.talk) as plain,
            secured(proxy.talk, "localhost") as safe,
        ):
            address = plain.removeprefix("http://") if scheme == "http" else f"localhost:{safe}"
            environment.setenv("https_proxy", f"{scheme}://user:p%40ss@{address}")
            return await generate(https_deployment(port, "gemini.example"), calls=2)

    assert run(scenario()) == [b"1", b"2"]
    (asked,) = proxy.asked
    assert asked.startswith("CONNECT gemini.example:")
    assert "Proxy-Authorization: Basic dXNlcjpwQHNz\r\n" in asked  # printf 'user:p@ss' | base64
    assert KEY not in asked
    for line, headers, _ in seen:
        assert line == "POST /v1beta/models/gemini-2.5-flash:generateContent HTTP/1.1"
        assert "proxy-authorization" not in headers
        assert headers["x-goog-api-key"] == KEY


@pytest.mark.parametrize(
    "agreement", [b"HTTP/1.1 200", b"HTTP/1.0 204 Fine", b"HTTP/1.1 103 Soon\r\n\r\nHTTP/1.1 200 OK"]
)
def test_proxy_agrees_in_any_of_the_ways_there_are(
    run: Run, trusted: None, environment: pytest.MonkeyPatch, agreement: bytes
) -> None:
    proxy = ConnectProxy(agreement=agreement)

    async def scenario() -> list[bytes]:
        async with (
            secured(scripted(answer(200, b"1")), "gemini.example") as port,
            listening(proxy.talk) as address,
        ):
            environment.setenv("https_proxy", address)
            return await generate(https_deployment(port, "gemini.example"))

    assert run(scenario()) == [b"1"]


def test_http_goes_to_the_proxy_over_tls(run: Run, trusted: None, environment: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, dict[str, str], bytes]] = []

    async def scenario() -> list[bytes]:
        async with secured(scripted(answer(200, b"1"), seen=seen), "localhost") as port:
            environment.setenv("http_proxy", f"https://localhost:{port}")
            return await generate(deployment_at("http://gemini.example"))

    assert run(scenario()) == [b"1"]
    assert seen[0][0] == "POST http://gemini.example/v1beta/models/gemini-2.5-flash:generateContent HTTP/1.1"


@pytest.mark.parametrize(
    "refusal",
    [
        answer(407, b"no"),
        b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 2",
    ],
)
def test_proxy_that_refuses_is_typed(run: Run, environment: pytest.MonkeyPatch, refusal: bytes) -> None:
    proxy = ConnectProxy(refusal)

    async def scenario() -> list[bytes]:
        async with listening(proxy.talk) as address:
            environment.setenv("https_proxy", address.replace("http://", "http://user:secret@"))
            return await generate(https_deployment(443, "gemini.example"))

    with pytest.raises(errors.UpstreamDisconnected, match="proxy on the way to Gemini refused") as caught:
        run(scenario())
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("exception", ["localhost", "127.0.0.1,localhost", ".example,localhost", "*"])
def test_no_proxy_is_heeded(run: Run, environment: pytest.MonkeyPatch, exception: str) -> None:
    environment.setenv("http_proxy", "http://127.0.0.1:9")
    environment.setenv("no_proxy", exception)

    async def scenario() -> list[bytes]:
        async with listening(scripted(answer(200, b"straight"))) as base:
            return await generate(deployment_at(base.replace("127.0.0.1", "localhost")))

    assert run(scenario()) == [b"straight"]


@pytest.mark.parametrize("url", ["socks5://proxy.example:1080", "proxy.example:3128", "http://", "http://p:port"])
def test_proxy_of_another_kind_is_a_config_error(environment: pytest.MonkeyPatch, url: str) -> None:
    environment.setenv("https_proxy", url)
    with pytest.raises(errors.ConfigError, match="https_proxy"):
        GeminiClient(SystemClock())
    environment.delenv("https_proxy")
    environment.setenv("HTTPS_PROXY", url)
    with pytest.raises(errors.ConfigError, match="HTTPS_PROXY"):
        GeminiClient(SystemClock())


def test_error_of_an_exchange_shows_neither_url_nor_key(run: Run) -> None:
    async def scenario(call: Callable[[GeminiClient, Account], Awaitable[Any]]) -> None:
        async with client() as gemini:
            await call(gemini, account_at("http://127.0.0.1:9"))

    calls: Sequence[Callable[[GeminiClient, Account], Awaitable[Any]]] = (
        lambda gemini, account: gemini.get_file(account, "files/abc"),
        lambda gemini, account: gemini.query(account, "http://127.0.0.1:9/u?upload_id=SECRET"),
    )
    for call in calls:
        with pytest.raises(errors.UpstreamDisconnected) as caught:
            run(scenario(call))
        assert "SECRET" not in str(caught.value)
        assert KEY not in str(caught.value)


# ── many at once ───────────────────────────────────────────────────────────────────────────────────────────────────


async def moody(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers each request with its own target, in every manner that a server has; now and then it breaks off."""
    dice = random.Random(writer.get_extra_info("peername")[1])
    while True:
        line, _, sent = await request(reader)
        target = line.split(" ")[1].encode()
        body = target * dice.choice((1, 1, 100, 20_000)) + sent[:5]
        await asyncio.sleep(dice.choice((0, 0, 0.001, 0.01)))
        manner = dice.randrange(12)
        if manner == 0:
            return
        if manner == 1:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body[: len(body) // 2])
            return
        if manner == 2:
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + body)
            return
        if manner == 3:
            writer.write(answer(200, body, "connection: close"))
            return
        if manner == 4:
            writer.write(answer(200, target) + answer(200, b"nobody asked"))
        elif manner == 5:
            writer.write(b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            for at in range(0, len(body), 4096):
                piece = body[at : at + 4096]
                writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await asyncio.sleep(0.001)
            writer.write(b"0\r\n\r\n")
        else:
            writer.write(answer(200, body))
        await writer.drain()


@pytest.mark.parametrize("asked", [1200, pytest.param(3000, marks=pytest.mark.full)])
def test_no_answer_is_ever_anothers_and_nothing_stays_behind(run: Run, asked: int) -> None:
    """Over a few kept connections: some callers give up at a random moment, some never read what they asked for."""
    dice = random.Random(7)
    outcomes: dict[str, int] = {}

    async def ask(gemini: Transport, base: str, number: int) -> str:
        target = f"/{number:06d}"
        body = None if number % 3 else b"12345" * dice.choice((1, 200_000))
        answered = await gemini.send(gemini.head("POST", base + target, {}), body)
        manner = dice.randrange(8)
        if manner == 0:
            answered.close()
            return "closed"
        if manner == 1:
            found = b""
            while piece := await answered.read_some():
                found += piece
                await asyncio.sleep(dice.choice((0, 0.001)))
        else:
            found = bytes(await answered.read())
        plain = found.removesuffix(b"12345")
        assert plain == target.encode() * (len(plain) // 7), found[:80]
        return "read"

    async def one(gemini: Transport, base: str, number: int) -> None:
        try:
            async with asyncio.timeout(dice.choice((0.0005, 0.005, 30.0, 30.0, 30.0))):
                outcome = await ask(gemini, base, number)
        except TimeoutError:
            outcome = "given up"
        except errors.UpstreamDisconnected as error:
            assert "given up" not in error.message, "another's leaving"
            outcome = "broken"
        outcomes[outcome] = outcomes.get(outcome, 0) + 1

    async def scenario() -> int:
        numbers = iter(range(asked))
        async with listening(moody) as base, transport() as gemini:

            async def worker() -> None:
                for number in numbers:
                    await one(gemini, base, number)

            await asyncio.gather(*(worker() for _ in range(24)))
            gemini.close()
            await asyncio.sleep(0.2)
            return len(asyncio.all_tasks())

    assert run(scenario()) < 30  # the server's own, whose connections end behind ours
    assert sum(outcomes.values()) == asked
    assert outcomes["read"] > asked // 3
    assert min(outcomes["closed"], outcomes["given up"], outcomes["broken"]) > asked // 30
