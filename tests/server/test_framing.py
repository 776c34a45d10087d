"""The table of framing, over raw sockets against the real server: in one piece, by the byte, and on both loops."""

from __future__ import annotations

import random  # noqa: TID251 - fixed seeds are the point
import socket
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from framing_table import ALIVE, KEY, LED, MADE, NAME, ROWS, STATUS, Row
from liftgate.server.errors import Refused
from liftgate.server.request_reader import RequestReader
from raw_http import Answer, answers_of, connect
from running import Running, running_gateway

KEYED = "{keys: [{name: ann, key: sk-ann-0123456789}]}"
PROBE = "probe-of-the-connection"
BIG = 20_000


@pytest.fixture(scope="module", params=["asyncio", "uvloop"])
def front(
    request: pytest.FixtureRequest, sandbox_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    with running_gateway(sandbox_url, tmp_path_factory.mktemp("front"), ours=KEYED, loop=request.param) as running:
        yield running


@pytest.mark.parametrize("step", [0, 1], ids=["in one piece", "by the byte"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_framing_has_one_outcome(front: Running, row: Row, step: int) -> None:
    step = step and (1 if len(row.sent) < BIG else 4099)
    with connect(front.base) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        send(connection, row.sent, step)
        partial = row.sent.endswith(b"GET /heal")
        probe = b"th/liveness" if partial else b"GET /v1/models/" + PROBE.encode()
        send(connection, probe + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + KEY.encode() + b"\r\n\r\n", 0)
        answers = []
        try:
            for answer in answers_of(connection, bodiless=row.sent.startswith(b"HEAD")):
                answers.append(answer)
        except ConnectionResetError:
            # The probe came after the end, behind whole answers.
            assert not row.kept
    if row.kept:
        last = answers.pop()
        assert last.status == (200 if partial else 404) and (partial or PROBE.encode() in last.body), last
    assert [answer.status for answer in answers] == [
        name if isinstance(name, int) else STATUS[name] for name in row.answers
    ], answers
    for answer, name in zip(answers, row.answers, strict=True):
        check(answer, name, row)


def check(answer: Answer, name: str | int, row: Row) -> None:
    if name == MADE:
        assert answer.json()["filename"] == NAME
    elif name == ALIVE:
        assert row.sent.startswith(b"HEAD") or answer.json() == {"status": "alive"}
    elif name == LED:
        assert answer.headers["location"] == "ui"
    else:
        answer.error()


def send(connection: socket.socket, data: bytes, step: int) -> None:
    """A server that has closed already is no matter here: what it answered is looked at."""
    try:
        for at in range(0, len(data), step or len(data)):
            connection.sendall(data[at : at + (step or len(data))])
    except (BrokenPipeError, ConnectionResetError):
        return


class _Taken:
    """An exchange that only notes."""

    def __init__(self, scope: dict[str, Any]) -> None:
        self.scope, self.body, self.ended = scope, b"", False

    def feed(self, body: bytes) -> None:
        self.body += body

    def end(self) -> None:
        self.ended = True


def reading(pieces: list[bytes]) -> list[object]:
    """What a reader takes the pieces for."""
    taken: list[_Taken] = []

    def begin(scope: Any, keep_alive: bool, expects: bool) -> Any:
        taken.append(_Taken(scope))
        return taken[-1]

    reader = RequestReader(begin, max_head=64 * 1024)
    end = ""
    try:
        for piece in pieces:
            while piece:
                piece = reader.feed(piece)
    except Refused as refused:
        end = f"{refused.http_status} {refused.message}"
    return [[(one.scope["path"], one.scope["headers"], one.body, one.ended) for one in taken], end]


@pytest.mark.parametrize("row", [row for row in ROWS if len(row.sent) < BIG], ids=lambda row: row.name)
def test_where_the_pieces_are_cut_changes_nothing(row: Row) -> None:
    whole = reading([row.sent])
    for at in range(1, len(row.sent)):
        assert reading([row.sent[:at], row.sent[at:]]) == whole, at
    assert reading([bytes([byte]) for byte in row.sent]) == whole
    dice = random.Random(row.name)
    for _ in range(50):
        cuts = sorted(dice.sample(range(len(row.sent)), min(dice.randint(2, 60), len(row.sent))))
        assert reading([row.sent[a:b] for a, b in pairwise([0, *cuts, len(row.sent)])]) == whole, cuts


def test_the_table_is_of_different_rows_with_one_outcome_each() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS) >= 200
    assert len({row.sent for row in ROWS}) == len(ROWS)
    assert all(row.answers for row in ROWS)
