"""A whole answer waits until its call is settled, together with all that end in the same turn of the event loop. By the
wire, on the server's own protocol."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from gateways import MODEL, sandbox_server, settings_for
from liftgate.engine.meter import CallRecord
from liftgate.gateway import Gateway
from liftgate.server.app import build_app
from liftgate.server.http_protocol import limited_protocol
from raw_http import connect, head
from running import eventually
from serving import serve

KEY = {"Authorization": "Bearer sk-ann"}
END = b"0\r\n\r\n"
"""Of an answer in chunks."""


class Looking:
    """A listener that looks what a client has by the time its call is counted. `early`: paths of calls whose answers
    were there to their ends."""

    def __init__(self) -> None:
        self.clients: list[socket.socket] = []
        self.calls: list[CallRecord] = []
        self.early: list[str] = []

    def ended(self, call: CallRecord) -> None:
        self.calls.append(call)
        for client in self.clients:
            with client.dup() as looked_into, suppress(BlockingIOError):
                # The client may have taken what came: the gateway must not wait for more.
                looked_into.setblocking(False)
                came = looked_into.recv(1 << 16, socket.MSG_PEEK)
                if not call.streamed or came.endswith(END):
                    self.early.append(call.path)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Looking]]:
    looking = Looking()
    with sandbox_server() as sandbox:
        app = build_app(Gateway(settings_for(sandbox, tmp_path_factory.mktemp("held")), listeners=[looking]))
        with serve(app, http=limited_protocol(max_head=8192, head_timeout=20)) as base:
            yield base, looking


@pytest.fixture
def looked_at(rig: tuple[str, Looking]) -> tuple[str, Looking]:
    rig[1].calls.clear()
    return rig


def chat(text: str = "hello", *, stream: bool = False, **headers: str) -> bytes:
    asked = {"model": MODEL, "messages": [{"role": "user", "content": text}], "stream": stream}
    body = json.dumps(asked).encode()
    return head("POST", "/v1/chat/completions", {**KEY, "Content-Length": str(len(body)), **headers}) + body


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (chat(), 200),
        (chat(Connection="close"), 200),
        (head("GET", "/v1/models", KEY), 200),
        (head("GET", "/v1/files/file-none", KEY), 404),
        (head("GET", "/v1/models", {}), 401),
        (head("HEAD", "/v1/models", KEY), 200),
    ],
    ids=["a chat", "the last one of a connection", "a list", "what is not there", "without a key", "without a body"],
)
def test_what_a_client_has_is_counted(request_: bytes, status: int, looked_at: tuple[str, Looking]) -> None:
    base, looking = looked_at
    with connect(base) as client:
        looking.clients.append(client)
        client.sendall(request_)
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 %d" % status)
        # What is on the way back would be seen while the call is counted, had it been written before.
        assert [call.status for call in looking.calls] == [status] and not looking.early
        looking.clients.clear()


@pytest.mark.parametrize("headers", [{}, {"Connection": "close"}], ids=["and more", "and no more"])
def test_end_of_a_stream_is_counted(headers: dict[str, str], looked_at: tuple[str, Looking]) -> None:
    base, looking = looked_at
    with connect(base) as client:
        looking.clients.append(client)
        client.sendall(chat(stream=True, **headers))
        while not client.recv(1 << 16).endswith(END):
            pass
        assert [call.streamed for call in looking.calls] == [True] and not looking.early
        looking.clients.clear()


def test_requests_behind_each_other_are_answered_in_turn(looked_at: tuple[str, Looking]) -> None:
    base, looking = looked_at
    with connect(base) as client:
        client.sendall(chat("one") + chat("two") + chat("three", Connection="close"))
        whole = b""
        while piece := client.recv(1 << 16):
            whole += piece
    assert whole.count(b"HTTP/1.1 200 ") == 3 and not looking.early
    assert eventually(lambda: len(looking.calls) == 3) and {call.outcome for call in looking.calls} == {"ok"}
