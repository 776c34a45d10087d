"""What an application may ask of its exchange beside ASGI: the body where it came at once (`take_whole`), and to be
called when the client leaves (`when_left`). By the wire, on the server's own protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator
from queue import Queue
from typing import Any

import pytest

from liftgate.server.asgi import Receive, Scope, Send
from liftgate.server.exchange import EXTENSION, Exchange
from liftgate.server.http_protocol import limited_protocol
from raw_http import answers_of, connect, head, read_answer
from serving import serve

MOST = 1000


class Asking:
    """Does with its exchange what the path names, and puts down what comes of it."""

    def __init__(self) -> None:
        self.noted: Queue[Any] = Queue()

    def next(self) -> Any:
        return self.noted.get(timeout=20)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await getattr(self, scope["path"].strip("/"))(scope["extensions"][EXTENSION], receive, send)

    async def take(self, exchange: Exchange, receive: Receive, send: Send) -> None:
        """Takes before and after the body was received: `[at once, received, again]`, None for what was not given."""
        at_once = exchange.take_whole(MOST)
        self.noted.put("asked")
        received = b""
        more = at_once is None
        while more:
            message = await receive()
            received += message.get("body", b"")
            more = message.get("more_body", False)
        again = exchange.take_whole(MOST)
        texts = [None if each is None else each.decode() for each in (at_once, received, again)]
        await answer(send, json.dumps(texts).encode())

    async def watch(self, exchange: Exchange, receive: Receive, send: Send) -> None:
        exchange.when_left(lambda: self.noted.put("left"))
        self.noted.put("watching")
        await receive()
        assert (await receive())["type"] == "http.disconnect"
        self.noted.put("ended")

    async def watch_late(self, exchange: Exchange, receive: Receive, send: Send) -> None:
        await receive()
        self.noted.put("waiting")
        assert (await receive())["type"] == "http.disconnect"
        exchange.when_left(lambda: self.noted.put("left"))
        self.noted.put("ended")

    async def watch_no_more(self, exchange: Exchange, receive: Receive, send: Send) -> None:
        exchange.when_left(lambda: self.noted.put("left"))
        exchange.when_left(None)
        self.noted.put("watching")
        await receive()
        assert (await receive())["type"] == "http.disconnect"
        self.noted.put("ended")

    async def watch_to_the_end(self, exchange: Exchange, receive: Receive, send: Send) -> None:
        exchange.when_left(lambda: self.noted.put("left"))
        await answer(send, b"done")
        self.noted.put("answered")


async def answer(send: Send, body: bytes) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def asking() -> Iterator[tuple[Asking, str]]:
    app = Asking()
    with serve(app, http=limited_protocol(max_head=8192, head_timeout=20)) as base:
        yield app, base


# ── take_whole ─────────────────────────────────────────────────────────────────────────────────────────────────────


def length(body: bytes, **more: str) -> bytes:
    return head("POST", "/take", {"Content-Length": str(len(body)), **more})


CHUNKED = head("POST", "/take", {"Transfer-Encoding": "chunked"})


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        (length(b"some") + b"some", "some"),
        (length(b"a" * MOST) + b"a" * MOST, "a" * MOST),
        (length(b""), ""),
        (head("GET", "/take"), ""),
        (CHUNKED + b"2\r\nso\r\n2\r\nme\r\n0\r\n\r\n", "some"),
        (CHUNKED + b"0\r\n\r\n", ""),
        (length(b"some", Expect="100-continue") + b"some", "some"),
    ],
    ids=["a length", "as much as it may", "a length of 0", "no body", "chunks", "no chunk", "who did not wait for 100"],
)
def test_a_body_that_came_with_its_head_is_taken_once(asking: tuple[Asking, str], sent: bytes, body: str) -> None:
    app, base = asking
    with connect(base) as connection:
        connection.sendall(sent)
        assert read_answer(connection).json() == [body, "", None]
    assert app.next() == "asked"


@pytest.mark.parametrize(
    ("first", "rest", "body"),
    [
        (length(b"some"), b"some", "some"),
        (length(b"some") + b"so", b"me", "some"),
        (CHUNKED + b"4\r\nsome\r\n", b"0\r\n\r\n", "some"),
        (length(b"a" * (MOST + 1)) + b"a" * (MOST + 1), b"", "a" * (MOST + 1)),
    ],
    ids=["nothing of it", "half of it", "all but its end", "more than may be taken"],
)
def test_what_is_not_there_or_too_much_stays_to_be_received(
    asking: tuple[Asking, str], first: bytes, rest: bytes, body: str
) -> None:
    app, base = asking
    with connect(base) as connection:
        connection.sendall(first)
        assert app.next() == "asked"
        connection.sendall(rest)
        assert read_answer(connection).json() == [None, body, None]


def test_who_waits_for_100_gets_it_when_the_body_is_asked_for(asking: tuple[Asking, str]) -> None:
    app, base = asking
    with connect(base) as connection:
        connection.sendall(length(b"some", Expect="100-continue"))
        assert app.next() == "asked"
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"some")
        assert read_answer(connection).json() == [None, "some", None]


def test_the_next_request_of_a_connection_has_a_body_of_its_own(asking: tuple[Asking, str]) -> None:
    app, base = asking
    with connect(base) as connection:
        connection.sendall(length(b"one") + b"one" + length(b"two") + b"two")
        answers = answers_of(connection)
        assert [next(answers).json() for _ in range(2)] == [["one", "", None], ["two", "", None]]
    assert [app.next(), app.next()] == ["asked", "asked"]


# ── when_left ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("watch", ["watching", "left", "ended"]),
        ("watch_late", ["waiting", "left", "ended"]),
        ("watch_no_more", ["watching", "ended"]),
    ],
    ids=["while it waits", "who asks when it has left", "who asks no more"],
)
def test_a_client_that_leaves_is_told_once_to_who_asked(asking: tuple[Asking, str], path: str, told: list[str]) -> None:
    app, base = asking
    with connect(base) as connection:
        connection.sendall(head("GET", f"/{path}"))
        assert app.next() == told[0]
    assert [app.next() for _ in told[1:]] == told[1:]
    with connect(base) as connection:
        connection.sendall(head("GET", "/take"))
        read_answer(connection)
    assert app.next() == "asked", "nothing came behind"


def test_who_goes_with_the_whole_answer_has_not_left(asking: tuple[Asking, str]) -> None:
    app, base = asking
    with connect(base) as connection:
        connection.sendall(head("GET", "/watch_to_the_end", {"Connection": "close"}))
        assert [answer.body for answer in answers_of(connection)] == [b"done"]
    assert app.next() == "answered"
    with connect(base) as connection:
        connection.sendall(head("GET", "/take"))
        read_answer(connection)
    assert app.next() == "asked", "nothing came in between"
